-- One row per analysis of a branch; the row is the queue. Times are microseconds since 1970, costs
-- billionths of a US dollar.
CREATE TABLE analyses (
    job_id UUID NOT NULL PRIMARY KEY,
    -- The conversation's root when the analysis was asked for; a late parent may have adopted it since.
    conversation_id UUID NOT NULL,
    branch_id TEXT NOT NULL,
    -- pending, processing, completed, failed.
    status TEXT NOT NULL,
    -- Grows with every regeneration.
    run BIGINT NOT NULL,
    -- Grows with every lease and every regeneration; only its holder may write a result.
    fence BIGINT NOT NULL,
    -- Leases of this run, each at most one call.
    attempts BIGINT NOT NULL,
    -- From when on it may be leased: the next attempt of a pending job, the end of a running one's lease.
    due_at BIGINT NOT NULL,
    worker TEXT,
    custom_prompt TEXT,
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    -- The result: Markdown, and JSON when the model kept to the schema.
    content TEXT,
    data TEXT,
    -- The newest exchange that the result knows.
    through_id UUID,
    model TEXT,
    versions TEXT,
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    estimated_tokens BIGINT,
    duration_ms BIGINT,
    cost_nanos BIGINT,
    error_kind TEXT,
    error TEXT,
    UNIQUE (conversation_id, branch_id)
);

CREATE INDEX analyses_due ON analyses (due_at, job_id) WHERE status IN ('pending', 'processing');
CREATE INDEX analyses_by_time ON analyses (requested_at, job_id);
CREATE INDEX analyses_by_status ON analyses (status, requested_at, job_id);

-- One row per lease: what it cost, and how it went. No outcome: still running.
CREATE TABLE analysis_attempts (
    job_id UUID NOT NULL,
    fence BIGINT NOT NULL,
    run BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    worker TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- completed, failed, lost (the worker went silent), cancelled (regenerated), released.
    outcome TEXT,
    error_kind TEXT,
    error TEXT,
    status BIGINT,
    model TEXT,
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    cost_nanos BIGINT,
    PRIMARY KEY (job_id, fence)
);

CREATE INDEX analysis_attempts_by_time ON analysis_attempts (started_at);

-- Who asked for what, and what came of it.
CREATE TABLE analysis_audit (
    audit_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    conversation_id UUID NOT NULL,
    branch_id TEXT NOT NULL,
    detail TEXT
);

CREATE INDEX analysis_audit_by_branch ON analysis_audit (conversation_id, branch_id, audit_id);
