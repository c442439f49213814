CREATE TABLE IF NOT EXISTS events (
    seq        INTEGER PRIMARY KEY,
    message_id TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    -- Set when the event is for one consumer only: a dead letter that was requeued.
    target     TEXT,
    bytes      INTEGER NOT NULL,
    payload    BLOB    NOT NULL
);

-- How far consumers are behind is counted, and what they are to be handed is chosen, without passing
-- the payloads.
CREATE INDEX IF NOT EXISTS events_by_kind ON events (seq, kind, target, bytes);

-- All events up to the cursor are settled, or stand in `retries`.
CREATE TABLE IF NOT EXISTS consumers (
    name   TEXT    PRIMARY KEY,
    cursor INTEGER NOT NULL
) WITHOUT ROWID;

-- Deliveries that were refused for now; delivered at once after a restart.
CREATE TABLE IF NOT EXISTS retries (
    consumer TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (consumer, seq)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS retries_by_seq ON retries (seq);

CREATE TABLE IF NOT EXISTS dead_letters (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    consumer   TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    -- Microseconds since the epoch.
    at         INTEGER NOT NULL,
    payload    BLOB    NOT NULL
);
