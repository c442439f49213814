-- What full-text search looks into: what a request added and what its answer said, one document each.
-- `data` is the text, packed like a segment, for snippets.
CREATE TABLE search_documents (
    document_id BIGINT NOT NULL PRIMARY KEY,
    exchange_id UUID NOT NULL,
    part TEXT NOT NULL,
    at BIGINT NOT NULL,
    data BYTEA NOT NULL,
    words TSVECTOR NOT NULL
);
CREATE UNIQUE INDEX search_documents_by_exchange ON search_documents (exchange_id, part);
CREATE INDEX search_documents_by_word ON search_documents USING GIN (words);
