-- Heads of a session after a moment, and its longer histories, whatever the agent.
CREATE INDEX link_facts_by_session_time ON link_facts (session_id, at, exchange_id) WHERE member;
CREATE INDEX link_facts_by_session_length ON link_facts (session_id, length) WHERE member;
