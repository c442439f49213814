-- Exchanges of which nothing but a link is known yet: lists leave them out, and those that pass over
-- many exchanges do so without reading them.
CREATE INDEX exchanges_unknown ON exchanges (exchange_id) WHERE method IS NULL AND state IS NULL;
-- Few exchanges with many tokens are looked up; the expression is that of the search.
CREATE INDEX exchanges_by_tokens ON exchanges (
    (input_tokens + output_tokens + cache_read_tokens + cache_creation_5m_tokens + cache_creation_1h_tokens),
    exchange_id
);
-- Whether a conversation had begun by a moment is told by the index that is walked.
DROP INDEX conversations_by_time;
CREATE INDEX conversations_by_time ON conversations (last_at, conversation_id, first_at);
DROP INDEX conversations_by_domain;
CREATE INDEX conversations_by_domain ON conversations (domain, last_at, conversation_id, first_at);
-- By which client a sample of the newest exchanges was linked is read without their facts.
DROP INDEX link_facts_continuing;
CREATE INDEX link_facts_continuing ON link_facts (at, exchange_id, client) WHERE member AND continues;
