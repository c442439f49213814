-- The texts stand in the bodies; what is kept for search is their words.
ALTER TABLE search_documents DROP COLUMN data;
ALTER TABLE search_documents DROP COLUMN at;
