-- With my own data: Which of our own samples are public by now, and what is in NCBI's records?
-- DuckDB reads a CSV or an Excel export directly: `read_csv('my_samples.csv')`, with a column for the isolate's name.
-- The file used here is `include/virus_warehouse/cookbook/recipes/my_samples.csv`; in `virus-warehouse sql`, a file
-- of that name in the current folder takes precedence.
SELECT
    mine.sample_id,
    mine.ward,
    genome.accession_version,
    genome.pango_lineage,
    genome.release_date,
    CASE
        WHEN genome.accession IS NULL THEN 'not public'
        WHEN genome.collection_date_min IS NULL THEN 'no date'
        WHEN mine.sampled_on BETWEEN genome.collection_date_min AND genome.collection_date_max THEN 'agrees'
        ELSE 'other date'
    END AS verdict
FROM read_csv('my_samples.csv') AS mine
LEFT JOIN virus_genome_distinct AS genome ON mine.isolate_name = genome.isolate_name
ORDER BY mine.sample_id;
