-- Runs by what their files say -> run_view, anew for those that are told there. Reads the variables file_runs, the
-- runs; run_states, the JSON texts of their files; run_columns, what is read in them.
-- Another version may have written a file: what it names otherwise is left out, and a file that does not say whose run
-- it is, what it was to do, how it is and since when, tells of no run.
DELETE FROM run_view WHERE list_contains(getvariable('file_runs')::VARCHAR[], run_id);

INSERT INTO run_view BY NAME
WITH file AS (
    SELECT
        unnest(getvariable('file_runs')::VARCHAR[]) AS run_id,
        unnest(getvariable('run_states')::VARCHAR[]) AS state
),

told AS (
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
        to_json(reports) AS reports
    ),
    false AS is_published
FROM told
WHERE source IS NOT NULL AND mode IS NOT NULL AND status IS NOT NULL AND started_at IS NOT NULL;
