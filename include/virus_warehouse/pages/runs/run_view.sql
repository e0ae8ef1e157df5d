-- A row a run: the columns of ops.ingest_run, and what only the run file says (stage ... written_at) -> run_view.
-- Reads the variable run_columns, as from_json takes it.
-- is_published: whether the snapshot has what the run loaded.
CREATE TEMP TABLE run_view AS
SELECT
    told.* REPLACE (to_json(seconds) AS seconds, to_json(versions) AS versions, to_json(reports) AS reports),
    false AS is_published
FROM (SELECT unnest(from_json('{}', getvariable('run_columns')))) AS told
LIMIT 0;
