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
) WITHOUT ROWID;

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
CREATE TRIGGER usage_buckets_inserted AFTER INSERT ON usage_buckets BEGIN
    INSERT INTO account_buckets (
        width_minutes, start, account_id, requests, errors, input_tokens, output_tokens,
        cache_read_tokens, cache_creation_5m_tokens, cache_creation_1h_tokens, cost_nanos, unpriced,
        duration_ms, first_byte_ms, first_bytes, tool_calls
    )
    VALUES (
        NEW.width_minutes, NEW.start, NEW.account_id, NEW.requests, NEW.errors, NEW.input_tokens,
        NEW.output_tokens, NEW.cache_read_tokens, NEW.cache_creation_5m_tokens,
        NEW.cache_creation_1h_tokens, NEW.cost_nanos, NEW.unpriced, NEW.duration_ms,
        NEW.first_byte_ms, NEW.first_bytes, NEW.tool_calls
    )
    ON CONFLICT (width_minutes, start, account_id) DO UPDATE SET
        requests = requests + excluded.requests,
        errors = errors + excluded.errors,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
        cache_creation_5m_tokens = cache_creation_5m_tokens + excluded.cache_creation_5m_tokens,
        cache_creation_1h_tokens = cache_creation_1h_tokens + excluded.cache_creation_1h_tokens,
        cost_nanos = cost_nanos + excluded.cost_nanos,
        unpriced = unpriced + excluded.unpriced,
        duration_ms = duration_ms + excluded.duration_ms,
        first_byte_ms = first_byte_ms + excluded.first_byte_ms,
        first_bytes = first_bytes + excluded.first_bytes,
        tool_calls = tool_calls + excluded.tool_calls;
END;
CREATE TRIGGER usage_buckets_updated AFTER UPDATE ON usage_buckets BEGIN
    UPDATE account_buckets SET
        requests = requests + NEW.requests - OLD.requests,
        errors = errors + NEW.errors - OLD.errors,
        input_tokens = input_tokens + NEW.input_tokens - OLD.input_tokens,
        output_tokens = output_tokens + NEW.output_tokens - OLD.output_tokens,
        cache_read_tokens = cache_read_tokens + NEW.cache_read_tokens - OLD.cache_read_tokens,
        cache_creation_5m_tokens = cache_creation_5m_tokens + NEW.cache_creation_5m_tokens - OLD.cache_creation_5m_tokens,
        cache_creation_1h_tokens = cache_creation_1h_tokens + NEW.cache_creation_1h_tokens - OLD.cache_creation_1h_tokens,
        cost_nanos = cost_nanos + NEW.cost_nanos - OLD.cost_nanos,
        unpriced = unpriced + NEW.unpriced - OLD.unpriced,
        duration_ms = duration_ms + NEW.duration_ms - OLD.duration_ms,
        first_byte_ms = first_byte_ms + NEW.first_byte_ms - OLD.first_byte_ms,
        first_bytes = first_bytes + NEW.first_bytes - OLD.first_bytes,
        tool_calls = tool_calls + NEW.tool_calls - OLD.tool_calls
    WHERE width_minutes = NEW.width_minutes AND start = NEW.start
        AND account_id = NEW.account_id;
END;
CREATE TRIGGER usage_buckets_deleted AFTER DELETE ON usage_buckets BEGIN
    UPDATE account_buckets SET
        requests = requests - OLD.requests,
        errors = errors - OLD.errors,
        input_tokens = input_tokens - OLD.input_tokens,
        output_tokens = output_tokens - OLD.output_tokens,
        cache_read_tokens = cache_read_tokens - OLD.cache_read_tokens,
        cache_creation_5m_tokens = cache_creation_5m_tokens - OLD.cache_creation_5m_tokens,
        cache_creation_1h_tokens = cache_creation_1h_tokens - OLD.cache_creation_1h_tokens,
        cost_nanos = cost_nanos - OLD.cost_nanos,
        unpriced = unpriced - OLD.unpriced,
        duration_ms = duration_ms - OLD.duration_ms,
        first_byte_ms = first_byte_ms - OLD.first_byte_ms,
        first_bytes = first_bytes - OLD.first_bytes,
        tool_calls = tool_calls - OLD.tool_calls
    WHERE width_minutes = OLD.width_minutes AND start = OLD.start
        AND account_id = OLD.account_id;
    DELETE FROM account_buckets
    WHERE width_minutes = OLD.width_minutes AND start = OLD.start
        AND account_id = OLD.account_id AND requests = 0;
END;
