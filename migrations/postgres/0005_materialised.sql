-- What lists and charts sum up, maintained in the transaction that changes the rows it is made of. A
-- conversation's figures are sums over its exchanges without the auxiliary ones; those of stretches
-- of time are sums over `usage`.
CREATE TABLE conversations (
    conversation_id UUID NOT NULL PRIMARY KEY,
    domain TEXT NOT NULL,
    -- The first prompt of a human.
    title TEXT,
    first_at BIGINT,
    last_at BIGINT,
    request_count BIGINT NOT NULL,
    running_count BIGINT NOT NULL,
    error_count BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_creation_tokens BIGINT NOT NULL,
    cost_nanos BIGINT NOT NULL,
    -- Exchanges with usage and without a known price.
    unpriced_count BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    tool_calls BIGINT NOT NULL,
    branch_count BIGINT NOT NULL,
    subtask_count BIGINT NOT NULL,
    compact_count BIGINT NOT NULL,
    -- Each name followed by a line feed.
    accounts TEXT NOT NULL,
    models TEXT NOT NULL,
    -- The newest exchange that is not a sub-agent's.
    latest_id UUID,
    latest_model TEXT,
    latest_state TEXT,
    latest_preview TEXT,
    latest_context_tokens BIGINT,
    -- Messages of that one's history.
    message_count BIGINT
);
CREATE INDEX conversations_by_time ON conversations (last_at, conversation_id);
CREATE INDEX conversations_by_domain ON conversations (domain, last_at, conversation_id);

-- How many of a conversation's exchanges have which account, model, branch or tool.
CREATE TABLE conversation_values (
    conversation_id UUID NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, field, value)
);
CREATE INDEX conversation_values_by_value ON conversation_values (field, value, conversation_id);

-- Sums over `usage` for every stretch of 15 minutes, of an hour and of a UTC day; `start` is its first
-- instant. A reader takes the widest stretches that fit its own.
CREATE TABLE usage_buckets (
    width_minutes BIGINT NOT NULL,
    start BIGINT NOT NULL,
    domain TEXT NOT NULL,
    account_id TEXT NOT NULL,
    model TEXT NOT NULL,
    request_type TEXT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_creation_5m_tokens BIGINT NOT NULL,
    cache_creation_1h_tokens BIGINT NOT NULL,
    cost_nanos BIGINT NOT NULL,
    -- With usage and without a known price.
    unpriced BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    first_byte_ms BIGINT NOT NULL,
    -- With a first byte.
    first_bytes BIGINT NOT NULL,
    tool_calls BIGINT NOT NULL,
    PRIMARY KEY (width_minutes, start, domain, account_id, model, request_type)
);
