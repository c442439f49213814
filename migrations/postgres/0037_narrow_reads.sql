-- In the order in which writers lock these tables, which wait behind it.

-- Few that fail call a tool; a search for them would pass all that failed.
CREATE INDEX exchanges_failed_with_tools ON exchanges (at, exchange_id)
    WHERE state <> 'completed' AND tool_names IS NOT NULL;

-- How well linking goes is read from this index alone. SQLite asks for the columns of an index's
-- condition again, in the table where the index does not hold them.
DROP INDEX link_facts_continuing;
CREATE INDEX link_facts_continuing ON link_facts (at, exchange_id, client, member, continues)
    WHERE member AND continues;

-- The newest timings of a domain, as `usage_by_account` gives those of an account.
CREATE INDEX usage_by_domain ON usage (domain, at);
