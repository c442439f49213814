-- Bodies in pieces. Every distinct piece is one row of `segments`; a history is a path in the tree
-- `nodes`, which all histories with the same beginning share; what stands around a history is a frame.
-- Hashes are the first 16 bytes of a SHA-256.

-- Numbers are taken in blocks, ahead of the transaction that uses them.
CREATE TABLE id_blocks (
    name TEXT NOT NULL PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO id_blocks (name, next) VALUES ('content', 1);

CREATE TABLE segments (
    segment_id BIGINT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    data BYTEA NOT NULL
);
CREATE UNIQUE INDEX segments_by_hash ON segments (hash);

-- `hash` covers the whole path from the root.
CREATE TABLE nodes (
    node_id BIGINT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    parent_id BIGINT REFERENCES nodes (node_id),
    segment_id BIGINT NOT NULL REFERENCES segments (segment_id),
    patch BYTEA
);
CREATE UNIQUE INDEX nodes_by_hash ON nodes (hash);
CREATE INDEX nodes_by_parent ON nodes (parent_id);
CREATE INDEX nodes_by_segment ON nodes (segment_id);

-- The history stands before the part at position `hole`.
CREATE TABLE frames (
    frame_id BIGINT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    hole BIGINT NOT NULL
);
CREATE UNIQUE INDEX frames_by_hash ON frames (hash);

CREATE TABLE frame_parts (
    frame_id BIGINT NOT NULL REFERENCES frames (frame_id),
    position BIGINT NOT NULL,
    segment_id BIGINT NOT NULL REFERENCES segments (segment_id),
    patch BYTEA,
    PRIMARY KEY (frame_id, position)
);
CREATE INDEX frame_parts_by_segment ON frame_parts (segment_id);

-- Headers without the values that change from answer to answer.
CREATE TABLE header_sets (
    header_set_id BIGINT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    data BYTEA NOT NULL
);
CREATE UNIQUE INDEX header_sets_by_hash ON header_sets (hash);

-- What an exchange's bodies and headers are made of. A body is a frame around a history, or one segment.
CREATE TABLE payloads (
    exchange_id UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    request_frame BIGINT REFERENCES frames (frame_id),
    request_node BIGINT REFERENCES nodes (node_id),
    request_segment BIGINT REFERENCES segments (segment_id),
    request_bytes BIGINT,
    request_sha256 BYTEA,
    request_header_set BIGINT REFERENCES header_sets (header_set_id),
    request_header_values BYTEA,
    response_segment BIGINT REFERENCES segments (segment_id),
    response_bytes BIGINT,
    response_sha256 BYTEA,
    response_header_set BIGINT REFERENCES header_sets (header_set_id),
    response_header_values BYTEA
);
CREATE INDEX payloads_by_time ON payloads (at);
CREATE INDEX payloads_by_frame ON payloads (request_frame) WHERE request_frame IS NOT NULL;
CREATE INDEX payloads_by_node ON payloads (request_node) WHERE request_node IS NOT NULL;
CREATE INDEX payloads_by_request_segment ON payloads (request_segment) WHERE request_segment IS NOT NULL;
CREATE INDEX payloads_by_response_segment ON payloads (response_segment) WHERE response_segment IS NOT NULL;
CREATE INDEX payloads_by_request_headers ON payloads (request_header_set) WHERE request_header_set IS NOT NULL;
CREATE INDEX payloads_by_response_headers ON payloads (response_header_set) WHERE response_header_set IS NOT NULL;
