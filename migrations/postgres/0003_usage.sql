-- One row per exchange that has ended, of any type: what accounting is made of. Kept by its own retention, so it
-- repeats what it needs of the exchange. Partitioned by month on PostgreSQL.
CREATE TABLE usage (
    exchange_id UUID NOT NULL,
    at BIGINT NOT NULL,
    domain TEXT NOT NULL,
    account_id TEXT NOT NULL,
    model TEXT NOT NULL,
    request_type TEXT NOT NULL,
    errors BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_creation_5m_tokens BIGINT NOT NULL,
    cache_creation_1h_tokens BIGINT NOT NULL,
    cost_nanos BIGINT,
    duration_ms BIGINT,
    first_byte_ms BIGINT,
    tool_calls BIGINT NOT NULL,
    -- As the upstream sent it.
    raw TEXT,
    PRIMARY KEY (exchange_id, at)
) PARTITION BY RANGE (at);

-- The writer makes a partition per month. What no month takes in is here.
CREATE TABLE usage_other PARTITION OF usage DEFAULT;

CREATE INDEX usage_by_time ON usage (at);
CREATE INDEX usage_by_account ON usage (account_id, at);

-- An account's limits as the upstream reported them last.
CREATE TABLE account_windows (
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    at BIGINT NOT NULL,
    status TEXT,
    max_units BIGINT,
    remaining BIGINT,
    -- Used share, 0 to 1 and beyond.
    utilization DOUBLE PRECISION,
    reset_at BIGINT,
    PRIMARY KEY (account_id, name)
);
