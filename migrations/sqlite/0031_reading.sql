-- Orders and look-ups of the reading side.
CREATE INDEX exchanges_by_model ON exchanges (model, at, exchange_id);
CREATE INDEX exchanges_by_parent ON exchanges (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX exchanges_by_parent_task ON exchanges (parent_task_id) WHERE parent_task_id IS NOT NULL;
CREATE INDEX exchanges_by_cost ON exchanges (cost_nanos, exchange_id) WHERE cost_nanos IS NOT NULL;
CREATE INDEX exchanges_by_duration ON exchanges (duration_ms, exchange_id) WHERE duration_ms IS NOT NULL;
CREATE INDEX exchanges_failed ON exchanges (at, exchange_id) WHERE state <> 'completed';
