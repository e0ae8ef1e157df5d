-- Times from collection to release by NCBI to the first load here, by record.
CREATE OR REPLACE VIEW mart.submission_lag AS
WITH state AS (
    SELECT accession, valid_from, run_id FROM main.virus_genome
    UNION ALL
    SELECT accession, valid_from, run_id FROM main.virus_genome_history
),

several AS (
    SELECT accession FROM main.virus_genome_history
    UNION ALL
    SELECT accession FROM main.virus_genome_distinct WHERE len(sources) > 1
),

-- Only for accessions with several states or sources.
earliest AS (
    SELECT accession, min(valid_from) AS held_since, arg_min(run_id, valid_from) AS run_id
    FROM state
    SEMI JOIN several USING (accession)
    GROUP BY accession
),

record AS (
    SELECT
        held.accession,
        held.accession_version,
        held.virus_tax_id,
        held.virus_name,
        held.country,
        held.collection_date_min,
        held.collection_date_max,
        held.release_date,
        coalesce(earliest.held_since, held.valid_from) AS held_since,
        coalesce(earliest.run_id, held.run_id) AS first_run_id
    FROM main.virus_genome_distinct AS held
    LEFT JOIN earliest USING (accession)
)

SELECT
    record.accession,
    record.accession_version,
    record.virus_tax_id,
    coalesce(virus.name, record.virus_name) AS virus_name,
    record.country,
    record.collection_date_min,
    record.collection_date_max,
    record.release_date,
    record.held_since,
    CASE WHEN first_load.run_id IS NULL THEN record.held_since END AS first_seen_at,
    -- Nothing is collected after its release: later days of a date range are cut off.
    CASE
        WHEN record.collection_date_min <= record.release_date
            THEN greatest(record.release_date - record.collection_date_max, 0)
        ELSE record.release_date - record.collection_date_max
    END AS days_collection_to_release_min,
    record.release_date - record.collection_date_min AS days_collection_to_release_max,
    (first_seen_at AT TIME ZONE 'UTC')::DATE - record.release_date AS days_release_to_first_seen
FROM record
LEFT JOIN mart.first_load ON record.first_run_id = first_load.run_id
LEFT JOIN main.taxon AS virus ON record.virus_tax_id = virus.tax_id;

COMMENT ON VIEW mart.submission_lag IS
'Times from collection to release, and until the record was first seen here; one row per accession, however many '
'sources have it';
COMMENT ON COLUMN mart.submission_lag.accession IS 'INSDC or RefSeq accession, without version';
COMMENT ON COLUMN mart.submission_lag.accession_version IS 'Current accession.version';
COMMENT ON COLUMN mart.submission_lag.virus_tax_id IS 'NCBI Taxonomy ID of the virus; joins taxon, taxon_lineage';
COMMENT ON COLUMN mart.submission_lag.virus_name IS 'Current scientific name of the virus';
COMMENT ON COLUMN mart.submission_lag.country IS
'Country or sea of collection; NULL if none is known';
COMMENT ON COLUMN mart.submission_lag.collection_date_min IS 'Earliest possible day of collection';
COMMENT ON COLUMN mart.submission_lag.collection_date_max IS 'Latest possible day of collection';
COMMENT ON COLUMN mart.submission_lag.release_date IS 'Day of first release, in UTC';
COMMENT ON COLUMN mart.submission_lag.held_since IS
'Commit time of the first run, of any source, that loaded the accession; later versions and withdrawals do not change '
'it';
COMMENT ON COLUMN mart.submission_lag.first_seen_at IS
'held_since, if the record appeared while a source followed it; NULL if it came with a first load (see first_load), '
'as NCBI may have had it for years';
COMMENT ON COLUMN mart.submission_lag.days_collection_to_release_min IS
'Fewest days from collection to release, given the precision of the date; not below 0 unless all possible dates are '
'after the release, which is impossible; NULL without a date';
COMMENT ON COLUMN mart.submission_lag.days_collection_to_release_max IS
'Most days from collection to release, given the precision of the date; equals the fewest for an exact day';
COMMENT ON COLUMN mart.submission_lag.days_release_to_first_seen IS
'Days from release to first_seen_at, both in UTC; NULL without first_seen_at';
