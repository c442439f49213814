-- Searches for branches, compactions or sub-agents walk these alone; most exchanges are on main. Of the
-- branch's name four letters tell its kind, the whole of it one branch among its kind.
CREATE INDEX exchanges_off_main ON exchanges (substr(branch_id, 1, 4), at, exchange_id, branch_id)
    WHERE branch_id <> 'main';

-- Who calls a tool is looked up by the conversations that count it. Hardly one stands beside them.
CREATE INDEX exchanges_with_tools_beside ON exchanges (at, exchange_id)
    WHERE tool_names IS NOT NULL AND (conversation_id IS NULL OR kind = 'auxiliary');
