-- One row per exchange, small columns only: what lists and charts show. Times are microseconds since
-- 1970, costs billionths of a US dollar. NULL is "not known (yet)".
CREATE TABLE exchanges (
    exchange_id UUID NOT NULL PRIMARY KEY,
    external_id TEXT,
    domain TEXT NOT NULL,
    account_id TEXT,
    -- Where the account's name is from: credential, metadata, organization or fingerprint.
    account_source TEXT,
    gateway TEXT NOT NULL,
    client_fingerprint TEXT,
    at BIGINT NOT NULL,
    -- From the request.
    method TEXT,
    path TEXT,
    model TEXT,
    request_type TEXT,
    streamed BOOLEAN,
    request_complete BOOLEAN,
    request_bytes BIGINT,
    message_count BIGINT,
    tool_count BIGINT,
    last_message_kind TEXT,
    -- What a human wrote in it that its history did not have, shortened.
    prompt TEXT,
    -- From the answer; no state: still running.
    state TEXT,
    status BIGINT,
    response_bytes BIGINT,
    first_byte_ms BIGINT,
    duration_ms BIGINT,
    upstream_ms BIGINT,
    upstream_calls BIGINT,
    error TEXT,
    stop_reason TEXT,
    -- The model that the answer names; prices go by it.
    answer_model TEXT,
    -- Names of the tools that the answer calls, each followed by a line feed, in order.
    tool_names TEXT,
    tool_calls BIGINT,
    preview TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_creation_5m_tokens BIGINT,
    cache_creation_1h_tokens BIGINT,
    cost_nanos BIGINT,
    -- Copied from the links when the linker says that they changed.
    conversation_id UUID,
    branch_id TEXT,
    kind TEXT,
    parent_id UUID,
    parent_task_id UUID,
    agent_id TEXT
);

CREATE INDEX exchanges_by_time ON exchanges (at, exchange_id);
CREATE INDEX exchanges_by_domain ON exchanges (domain, at, exchange_id);
CREATE INDEX exchanges_by_account ON exchanges (account_id, at, exchange_id);
CREATE INDEX exchanges_by_conversation ON exchanges (conversation_id, at, exchange_id);
CREATE INDEX exchanges_by_external_id ON exchanges (external_id) WHERE external_id IS NOT NULL;
