-- Exchanges that were erased, by names that are made of their ids and that these can't be told from. When
-- an event of one comes again, out of a journal or a stream, it is not stored.
CREATE TABLE erased_exchanges (name BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
