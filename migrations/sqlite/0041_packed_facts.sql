-- The linker's facts as it packs them now; in those that are there already, a byte before the text says
-- that it is one. Linkers of the version before can't go on with this, and are stopped first.
ALTER TABLE link_facts ADD COLUMN request_facts BLOB;
ALTER TABLE link_facts ADD COLUMN answer_facts BLOB;
UPDATE link_facts SET
    request_facts = CAST(char(3) || request AS BLOB),
    answer_facts = CAST(char(3) || answer AS BLOB);
ALTER TABLE link_facts DROP COLUMN request;
ALTER TABLE link_facts DROP COLUMN answer;
