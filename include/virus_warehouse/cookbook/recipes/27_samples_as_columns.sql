-- Samples and reads: Can I have a sample in one row, with an attribute a column?
-- `PIVOT` makes columns of the attributes named. A sample that several genomes name is one row.
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
