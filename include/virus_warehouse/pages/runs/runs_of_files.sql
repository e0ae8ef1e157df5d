-- Runs from run files -> run_view, replacing earlier rows of the same runs. Reads the variables file_runs, the runs;
-- run_states, the JSON texts of their files; run_columns, the columns to read.
-- Files of other versions may have other keys, which are ignored; files without source, mode, status and start time are
-- skipped.
DELETE FROM run_view WHERE list_contains(getvariable('file_runs')::VARCHAR[], run_id);

INSERT INTO run_view BY NAME
WITH file AS (
    SELECT
        unnest(getvariable('file_runs')::VARCHAR[]) AS run_id,
        unnest(getvariable('run_states')::VARCHAR[]) AS state
),

parsed AS (
    SELECT
        file.run_id AS file_run,
        unnest(from_json(file.state, getvariable('run_columns')))
    FROM file
    WHERE json_valid(file.state)
)

SELECT
    * EXCLUDE (file_run)
    REPLACE (
        file_run AS run_id,
        to_json(seconds) AS seconds,
        to_json(versions) AS versions,
        to_json(reports) AS reports,
        to_json(sequences) AS sequences
    ),
    false AS is_published
FROM parsed
WHERE source IS NOT NULL AND mode IS NOT NULL AND status IS NOT NULL AND started_at IS NOT NULL;
