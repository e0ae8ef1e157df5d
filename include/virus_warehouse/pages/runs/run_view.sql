-- A row per run: the columns of ops.ingest_run, and columns of the run file only (stage ... written_at) -> run_view.
-- Reads the variable run_columns, as from_json takes it.
-- is_published: whether the snapshot has what the run loaded.
CREATE TEMP TABLE run_view AS
SELECT
    state.* REPLACE (
        to_json(seconds) AS seconds,
        to_json(versions) AS versions,
        to_json(reports) AS reports,
        to_json(sequences) AS sequences
    ),
    false AS is_published
FROM (SELECT unnest(from_json('{}', getvariable('run_columns')))) AS state
LIMIT 0;
