-- Eight bytes tell histories apart as well as 32 do; the others are compared in the row.
DROP INDEX link_prefixes_by_predecessor;
CREATE INDEX link_prefixes_by_predecessor
    ON link_prefixes (substr(predecessor, 1, 8), domain_tag);
