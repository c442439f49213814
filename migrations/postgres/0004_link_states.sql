-- What exchanges copy of their links. This view says the shape and holds nothing: the migration that
-- makes the link tables replaces it by one over them.
CREATE VIEW link_states AS
SELECT exchange_id, conversation_id, branch_id, kind, parent_id, parent_task_id, agent_id
FROM exchanges WHERE FALSE;
