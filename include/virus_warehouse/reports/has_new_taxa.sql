-- Whether a part names a taxon whose lineage has not been seen, or more than one of it. Reads part and lineage_size.
SELECT count(*) > 0
FROM (
    SELECT virus_tax_id AS tax_id FROM part
    UNION
    SELECT host_tax_id FROM part
)
WHERE tax_id IS NOT NULL AND tax_id NOT IN (SELECT lineage_size.tax_id FROM lineage_size);
