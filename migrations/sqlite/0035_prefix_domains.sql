-- Which domain's histories pass a prefix: a short hash of its name where it is the only one, 0 where
-- several are, or it is not known. Looking for what goes on from a prefix keeps to one's own.
ALTER TABLE link_prefixes ADD COLUMN domain_tag SMALLINT NOT NULL DEFAULT 0;
DROP INDEX link_prefixes_by_predecessor;
CREATE INDEX link_prefixes_by_predecessor ON link_prefixes (predecessor, domain_tag);
