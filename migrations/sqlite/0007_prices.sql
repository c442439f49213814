-- What holds for the store as a whole, by name: `prices` is the version of the prices that all costs are by.
CREATE TABLE store_facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- How long the tools ran whose results the request brings, as the client measured it.
ALTER TABLE exchanges ADD COLUMN tool_ms BIGINT;
