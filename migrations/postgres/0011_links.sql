-- What the linker knows and what it decided. Times are microseconds since 1970, hashes SHA-256.

-- One row per exchange: the facts that the decision reads. Request and answer come in any order; the
-- columns are what is looked up, the JSON is the whole.
CREATE TABLE link_facts (
    exchange_id UUID NOT NULL PRIMARY KEY,
    at BIGINT,
    domain TEXT,
    session_id TEXT,
    agent_id TEXT,
    -- Part of a conversation: no title, classifier or probe of a quota.
    member BOOLEAN NOT NULL,
    identified BOOLEAN NOT NULL,
    summarises BOOLEAN NOT NULL,
    -- The model has spoken before; so it ought to have a parent.
    continues BOOLEAN NOT NULL,
    -- Name and version of the program.
    client TEXT,
    complete BOOLEAN NOT NULL,
    -- The hash of the whole history, and its blocks.
    current_hash BYTEA,
    length BIGINT,
    -- The hash of the history with the answer behind it, and the first tool that the answer calls.
    follow_hash BYTEA,
    first_call TEXT,
    -- The answer whose message thread the request goes on with; the answer's own id.
    thread_of TEXT,
    message_id TEXT,
    summary_probe BYTEA,
    request TEXT,
    answer TEXT
);

CREATE INDEX link_facts_by_session ON link_facts (session_id, agent_id, at, exchange_id) WHERE member;
CREATE INDEX link_facts_by_history ON link_facts (current_hash, domain, at, exchange_id) WHERE member;
CREATE INDEX link_facts_by_session_history ON link_facts (current_hash, session_id, agent_id, at, exchange_id) WHERE member AND session_id IS NOT NULL;
CREATE INDEX link_facts_by_follow ON link_facts (follow_hash, domain, at, exchange_id) WHERE member AND follow_hash IS NOT NULL;
CREATE INDEX link_facts_by_first_call ON link_facts (first_call, domain, at, exchange_id) WHERE member AND first_call IS NOT NULL;
CREATE INDEX link_facts_by_summary ON link_facts (summary_probe, domain, at, exchange_id) WHERE member AND summary_probe IS NOT NULL;
CREATE INDEX link_facts_by_summariser ON link_facts (session_id, agent_id, at, exchange_id) WHERE member AND summarises AND complete;
CREATE INDEX link_facts_by_message ON link_facts (message_id, domain, at, exchange_id) WHERE member AND message_id IS NOT NULL;
CREATE INDEX link_facts_continuing ON link_facts (at, exchange_id) WHERE member AND continues;
CREATE INDEX link_facts_by_thread ON link_facts (thread_of) WHERE member AND thread_of IS NOT NULL;

-- Every distinct prefix of a history once; an exchange points at its last one.
CREATE TABLE link_prefixes (
    hash BYTEA NOT NULL PRIMARY KEY,
    predecessor BYTEA NOT NULL,
    length BIGINT NOT NULL,
    -- The last block is the model's; its id when it calls a tool.
    assistant BOOLEAN NOT NULL,
    tool_use_id TEXT
);

CREATE INDEX link_prefixes_by_predecessor ON link_prefixes (predecessor);

-- What each exchange continues, why, and where it stands.
CREATE TABLE links (
    exchange_id UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    -- root, turn, subagent, compact, attempt, auxiliary.
    kind TEXT NOT NULL,
    parent_id UUID,
    -- The call in the parent's answer that started a sub-agent.
    task_use_id TEXT,
    task_position BIGINT,
    method TEXT NOT NULL,
    -- Percent.
    confidence BIGINT NOT NULL,
    -- Where the history leaves the parent's, and what the model says behind that.
    joint_hash BYTEA,
    joint_length BIGINT,
    joint_tier TEXT,
    reply_hash BYTEA,
    reply_call TEXT,
    -- The parent began later, by the gateways' clocks.
    late BOOLEAN NOT NULL,
    -- Neither history nor repetition gave a parent.
    head BOOLEAN NOT NULL,
    -- The first attempt of the same step.
    step_id UUID NOT NULL,
    -- The root.
    conversation_id UUID,
    -- The exchange that opened the branch.
    branch_id UUID
);

CREATE INDEX links_by_parent ON links (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX links_by_step ON links (step_id) WHERE step_id <> exchange_id;
CREATE INDEX links_by_branch ON links (branch_id) WHERE branch_id <> conversation_id;
CREATE INDEX links_branches ON links (conversation_id) WHERE branch_id = exchange_id;
CREATE INDEX links_by_conversation ON links (conversation_id, at, exchange_id);
CREATE INDEX links_by_joint ON links (joint_hash, at, exchange_id) WHERE joint_hash IS NOT NULL;
CREATE INDEX links_late ON links (joint_hash) WHERE late;

-- Names of branches other than main.
CREATE TABLE link_labels (
    branch_id UUID NOT NULL PRIMARY KEY,
    label TEXT NOT NULL
);

-- What an exchange would be decided anew for, when it turns up.
CREATE TABLE link_waits (
    wait_key BYTEA NOT NULL,
    at BIGINT NOT NULL,
    exchange_id UUID NOT NULL,
    PRIMARY KEY (wait_key, at, exchange_id)
);

CREATE INDEX link_waits_by_exchange ON link_waits (exchange_id);

-- Tool calls that start sub-agents.
CREATE TABLE link_calls (
    scope BYTEA NOT NULL,
    tool_use_id TEXT NOT NULL,
    caller_id UUID NOT NULL,
    caller_at BIGINT NOT NULL,
    position BIGINT NOT NULL,
    -- Starts any number of agents.
    harness BOOLEAN NOT NULL,
    -- The caller's own agent.
    agent_id TEXT,
    prompt_hash BYTEA,
    -- The agent that the call's result names.
    names_agent TEXT,
    taken_by UUID,
    taken_at BIGINT,
    PRIMARY KEY (scope, tool_use_id, caller_id)
);

CREATE INDEX link_calls_open ON link_calls (scope, prompt_hash, caller_at, caller_id) WHERE taken_by IS NULL;
CREATE INDEX link_calls_taken ON link_calls (scope, taken_at) WHERE taken_by IS NOT NULL;
CREATE INDEX link_calls_by_taker ON link_calls (taken_by) WHERE taken_by IS NOT NULL;
CREATE INDEX link_calls_by_name ON link_calls (scope, names_agent) WHERE names_agent IS NOT NULL;

-- Which agent the result of a call names; results may come before their calls are known.
CREATE TABLE link_results (
    scope BYTEA NOT NULL,
    tool_use_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    PRIMARY KEY (scope, tool_use_id)
);

-- Committed and not yet announced.
CREATE TABLE link_outbox (
    sequence BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    exchange_id UUID NOT NULL,
    at BIGINT NOT NULL,
    domain TEXT NOT NULL,
    -- The exchanges whose links changed, 16 bytes each.
    exchanges BYTEA NOT NULL
);

-- What exchanges copy of their links. A sub-agent's first exchange hangs on a task, not on a turn.
DROP VIEW link_states;
CREATE VIEW link_states AS
SELECT
    l.exchange_id,
    l.conversation_id,
    CASE WHEN l.branch_id = l.conversation_id THEN 'main' ELSE b.label END AS branch_id,
    l.kind,
    CASE WHEN l.kind <> 'subagent' THEN l.parent_id END AS parent_id,
    CASE WHEN l.kind = 'subagent' THEN l.parent_id END AS parent_task_id,
    f.agent_id
FROM links l
LEFT JOIN link_labels b ON b.branch_id = l.branch_id
LEFT JOIN link_facts f ON f.exchange_id = l.exchange_id;
