-- Searches look for the newest places alone. Behind a document's words stands the name of the stretch that
-- its number lies in, so that the newest places of a common word are found without the others; no word
-- has a `#`. Dashboards of the version before search without this index, and slowly, until they are
-- replaced.
CREATE INDEX search_documents_by_place ON search_documents
    USING GIN (string_to_array(words || ' #' || (document_id >> 17)::text, ' '));
DROP INDEX search_documents_by_word;
ALTER INDEX search_documents_by_place RENAME TO search_documents_by_word;

-- Lists of conversations with so many tokens, or at such a cost, pass over the others in the index.
DROP INDEX conversations_by_time;
CREATE INDEX conversations_by_time ON conversations (
    last_at, conversation_id, first_at,
    (input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens), cost_nanos
);
