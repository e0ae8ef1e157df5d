-- What the last run revised: old and new values
WITH last_run AS (
    SELECT max_by(run_id, started_at) AS run_id FROM ops.ingest_run
),

old_state AS (
    SELECT accession, COLUMNS(* EXCLUDE (
        source,
        accession,
        accession_version,
        record_hash,
        status,
        missing_since,
        valid_from,
        run_id,
        valid_to,
        ended_by,
        ended_run_id
    ))::VARCHAR
    FROM virus_genome_history
    WHERE ended_run_id = (SELECT run_id FROM last_run)
),

new_state AS (
    SELECT accession, COLUMNS(* EXCLUDE (
        source, accession, accession_version, record_hash, status, missing_since, valid_from, run_id
    ))::VARCHAR
    FROM virus_genome
    WHERE run_id = (SELECT run_id FROM last_run)
),

old_field AS (
    FROM old_state UNPIVOT INCLUDE NULLS (old_value FOR field IN (COLUMNS(* EXCLUDE (accession))))
),

new_field AS (
    FROM new_state UNPIVOT INCLUDE NULLS (new_value FOR field IN (COLUMNS(* EXCLUDE (accession))))
)

SELECT accession, field, old_value, new_value
FROM old_field INNER JOIN new_field USING (accession, field)
WHERE old_value IS DISTINCT FROM new_value
ORDER BY accession, field;
