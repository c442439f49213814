-- What few exchanges have is looked up, not looked for among all of them. A list of one kind is short
-- enough to be looked up by it; errors are walked in the order of time, by the index alone.
CREATE INDEX exchanges_by_error_status ON exchanges (at, exchange_id, status) WHERE status >= 400;
CREATE INDEX exchanges_by_rare_type ON exchanges (request_type, at, exchange_id) WHERE request_type <> 'inference';
CREATE INDEX exchanges_by_rare_kind ON exchanges (kind, at, exchange_id) WHERE kind <> 'turn';
DROP INDEX exchanges_failed;
CREATE INDEX exchanges_failed ON exchanges (at, exchange_id, state) WHERE state <> 'completed';
