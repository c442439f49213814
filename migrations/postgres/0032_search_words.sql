-- The texts stand in the bodies; what is kept for search is their words, in order, separated by spaces.
ALTER TABLE search_documents RENAME COLUMN words TO vector;
ALTER TABLE search_documents ADD COLUMN words TEXT COLLATE "C";
UPDATE search_documents SET words = coalesce(
    (SELECT string_agg(w.lexeme, ' ' ORDER BY place)
     FROM unnest(vector) w, unnest(w.positions) place), '');
ALTER TABLE search_documents ALTER COLUMN words SET NOT NULL;
ALTER TABLE search_documents DROP COLUMN vector;
ALTER TABLE search_documents DROP COLUMN data;
ALTER TABLE search_documents DROP COLUMN at;
CREATE INDEX search_documents_by_word ON search_documents USING GIN (string_to_array(words, ' '));
