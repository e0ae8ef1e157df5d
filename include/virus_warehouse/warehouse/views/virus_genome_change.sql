-- What revisions changed, field by field: old value, new value, run and time.
CREATE OR REPLACE VIEW virus_genome_change AS
WITH state AS (
    SELECT * EXCLUDE (ended_by, ended_run_id) FROM virus_genome_history
    UNION ALL BY NAME
    SELECT *, NULL::TIMESTAMPTZ AS valid_to FROM virus_genome
),

old_state AS (
    SELECT
        history.source,
        history.accession,
        history.valid_to AS changed_at,
        history.ended_run_id AS run_id,
        COLUMNS(history.* EXCLUDE (
            source, accession, accession_version, record_hash, status, missing_since, valid_from, valid_to, run_id,
            ended_by, ended_run_id
        ))::VARCHAR
    FROM virus_genome_history AS history
    WHERE history.ended_by = 'revision'
),

new_state AS (
    SELECT
        state.source,
        state.accession,
        state.valid_from AS changed_at,
        COLUMNS(state.* EXCLUDE (
            source, accession, accession_version, record_hash, status, missing_since, valid_from, valid_to, run_id
        ))::VARCHAR
    FROM state
),

old_field AS (
    FROM old_state UNPIVOT INCLUDE NULLS (
        old_value FOR field IN (COLUMNS(* EXCLUDE (source, accession, changed_at, run_id)))
    )
),

new_field AS (
    FROM (
        SELECT new_state.*
        FROM new_state SEMI JOIN old_state USING (source, accession, changed_at)
    ) UNPIVOT INCLUDE NULLS (new_value FOR field IN (COLUMNS(* EXCLUDE (source, accession, changed_at))))
)

SELECT source, accession, changed_at, run_id, field, old_value, new_value
FROM old_field INNER JOIN new_field USING (source, accession, changed_at, field)
WHERE old_value IS DISTINCT FROM new_value;

COMMENT ON VIEW virus_genome_change IS 'A field that a revision changed, with its old value and its new one';
COMMENT ON COLUMN virus_genome_change.changed_at IS 'Commit time of the run that brought the revision';
COMMENT ON COLUMN virus_genome_change.run_id IS 'Run that brought the revision; joins ops.ingest_run';
COMMENT ON COLUMN virus_genome_change.field IS 'Column of virus_genome that changed';
COMMENT ON COLUMN virus_genome_change.old_value IS 'Value before the revision, as text; NULL if there was none';
COMMENT ON COLUMN virus_genome_change.new_value IS 'Value after the revision, as text; NULL if there is none';
