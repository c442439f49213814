-- Equal requests of clients that name no session: many others may begin with the same words.
CREATE INDEX link_facts_nameless ON link_facts (current_hash, domain, at, exchange_id) WHERE member AND NOT identified;
-- Whether a call has a prompt, taken or not.
CREATE INDEX link_calls_by_prompt ON link_calls (scope, prompt_hash) WHERE prompt_hash IS NOT NULL;
