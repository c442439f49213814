-- The linker's facts as it packs them now; in those that are there already, a byte before the text says
-- that it is one. Linkers of the version before can't go on with this, and are stopped first.
ALTER TABLE link_facts RENAME COLUMN request TO request_facts;
ALTER TABLE link_facts RENAME COLUMN answer TO answer_facts;
ALTER TABLE link_facts
    ALTER COLUMN request_facts TYPE BYTEA USING '\x03'::bytea || convert_to(request_facts, 'UTF8'),
    ALTER COLUMN answer_facts TYPE BYTEA USING '\x03'::bytea || convert_to(answer_facts, 'UTF8');
