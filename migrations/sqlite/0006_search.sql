-- What full-text search looks into: what a request added and what its answer said, one document each.
-- `data` is the text, packed like a segment, for snippets.
CREATE TABLE search_documents (
    document_id INTEGER NOT NULL PRIMARY KEY,
    exchange_id BLOB NOT NULL,
    part TEXT NOT NULL,
    at BIGINT NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX search_documents_by_exchange ON search_documents (exchange_id, part);

-- The words; `rowid` is the document's id. The text itself is not kept a second time.
CREATE VIRTUAL TABLE search_words USING fts5 (
    text,
    content = '',
    contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);
