-- `usage_buckets` by account alone. Charts and figures of months tell accounts apart or nothing at all;
-- every hour of them has one row here for a dozen there.
CREATE TABLE account_buckets (
    width_minutes BIGINT NOT NULL,
    start BIGINT NOT NULL,
    account_id TEXT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_creation_5m_tokens BIGINT NOT NULL,
    cache_creation_1h_tokens BIGINT NOT NULL,
    cost_nanos BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    first_byte_ms BIGINT NOT NULL,
    first_bytes BIGINT NOT NULL,
    tool_calls BIGINT NOT NULL,
    PRIMARY KEY (width_minutes, start, account_id)
);

-- Storage roles that run meanwhile wait from here on: what they counted between the sums and the
-- triggers would be missing for ever.
LOCK TABLE usage_buckets IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO account_buckets (
    width_minutes, start, account_id, requests, errors, input_tokens, output_tokens,
    cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens, cost_nanos, unpriced,
    duration_ms, first_byte_ms, first_bytes, tool_calls
)
SELECT
    width_minutes, start, account_id, SUM(requests), SUM(errors), SUM(input_tokens),
    SUM(output_tokens), SUM(cache_read_tokens), SUM(cache_creation_5m_tokens),
    SUM(cache_creation_1h_tokens), SUM(cost_nanos), SUM(unpriced), SUM(duration_ms),
    SUM(first_byte_ms), SUM(first_bytes), SUM(tool_calls)
FROM usage_buckets
GROUP BY width_minutes, start, account_id;

-- The engine keeps them in line with every change of `usage_buckets`: storage roles of the version
-- before, which know nothing of this table, go on while it is being replaced.
-- Stretches that a statement updates come before those that it inserts, whatever their keys: writers
-- lock alike only because they take turns (`LOCK_BUCKETS` of the store).
CREATE FUNCTION account_buckets_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_buckets AS a (
        width_minutes, start, account_id, requests, errors, input_tokens, output_tokens,
        cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens, cost_nanos, unpriced,
        duration_ms, first_byte_ms, first_bytes, tool_calls
    )
    SELECT
        width_minutes, start, account_id, SUM(requests), SUM(errors), SUM(input_tokens),
        SUM(output_tokens), SUM(cache_read_tokens), SUM(cache_creation_5m_tokens),
        SUM(cache_creation_1h_tokens), SUM(cost_nanos), SUM(unpriced), SUM(duration_ms),
        SUM(first_byte_ms), SUM(first_bytes), SUM(tool_calls)
    FROM added
    GROUP BY width_minutes, start, account_id
    ORDER BY width_minutes, start, account_id
    ON CONFLICT (width_minutes, start, account_id) DO UPDATE SET
        requests = a.requests + excluded.requests,
        errors = a.errors + excluded.errors,
        input_tokens = a.input_tokens + excluded.input_tokens,
        output_tokens = a.output_tokens + excluded.output_tokens,
        cache_read_tokens = a.cache_read_tokens + excluded.cache_read_tokens,
        cache_creation_5m_tokens = a.cache_creation_5m_tokens + excluded.cache_creation_5m_tokens,
        cache_creation_1h_tokens = a.cache_creation_1h_tokens + excluded.cache_creation_1h_tokens,
        cost_nanos = a.cost_nanos + excluded.cost_nanos,
        unpriced = a.unpriced + excluded.unpriced,
        duration_ms = a.duration_ms + excluded.duration_ms,
        first_byte_ms = a.first_byte_ms + excluded.first_byte_ms,
        first_bytes = a.first_bytes + excluded.first_bytes,
        tool_calls = a.tool_calls + excluded.tool_calls;
    RETURN NULL;
END
$$;
CREATE FUNCTION account_buckets_subtract() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_buckets AS a (
        width_minutes, start, account_id, requests, errors, input_tokens, output_tokens,
        cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens, cost_nanos, unpriced,
        duration_ms, first_byte_ms, first_bytes, tool_calls
    )
    SELECT
        width_minutes, start, account_id, -SUM(requests), -SUM(errors), -SUM(input_tokens),
        -SUM(output_tokens), -SUM(cache_read_tokens), -SUM(cache_creation_5m_tokens),
        -SUM(cache_creation_1h_tokens), -SUM(cost_nanos), -SUM(unpriced), -SUM(duration_ms),
        -SUM(first_byte_ms), -SUM(first_bytes), -SUM(tool_calls)
    FROM removed
    GROUP BY width_minutes, start, account_id
    ORDER BY width_minutes, start, account_id
    ON CONFLICT (width_minutes, start, account_id) DO UPDATE SET
        requests = a.requests + excluded.requests,
        errors = a.errors + excluded.errors,
        input_tokens = a.input_tokens + excluded.input_tokens,
        output_tokens = a.output_tokens + excluded.output_tokens,
        cache_read_tokens = a.cache_read_tokens + excluded.cache_read_tokens,
        cache_creation_5m_tokens = a.cache_creation_5m_tokens + excluded.cache_creation_5m_tokens,
        cache_creation_1h_tokens = a.cache_creation_1h_tokens + excluded.cache_creation_1h_tokens,
        cost_nanos = a.cost_nanos + excluded.cost_nanos,
        unpriced = a.unpriced + excluded.unpriced,
        duration_ms = a.duration_ms + excluded.duration_ms,
        first_byte_ms = a.first_byte_ms + excluded.first_byte_ms,
        first_bytes = a.first_bytes + excluded.first_bytes,
        tool_calls = a.tool_calls + excluded.tool_calls;
    DELETE FROM account_buckets a USING removed r
    WHERE a.width_minutes = r.width_minutes AND a.start = r.start AND a.account_id = r.account_id
        AND a.requests = 0;
    RETURN NULL;
END
$$;
CREATE TRIGGER usage_buckets_inserted AFTER INSERT ON usage_buckets
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION account_buckets_add();
CREATE TRIGGER usage_buckets_updated AFTER UPDATE ON usage_buckets
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION account_buckets_add();
CREATE TRIGGER usage_buckets_updated_from AFTER UPDATE ON usage_buckets
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION account_buckets_subtract();
CREATE TRIGGER usage_buckets_deleted AFTER DELETE ON usage_buckets
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION account_buckets_subtract();
