-- Samples and reads: How do I get one row per sample, with attributes as columns?
-- `PIVOT` turns the named attributes into columns. A sample of several genomes is one row.
SELECT sample.*
FROM (
    PIVOT (
        SELECT accession AS biosample, name, value_clean
        FROM biosample_attribute
        WHERE source = 'viruses'
    )
    ON name IN ('host', 'host_disease', 'isolation_source', 'collection_date', 'geo_loc_name')
    USING first(value_clean)
    GROUP BY biosample
) AS sample
ORDER BY biosample
LIMIT 8;
