-- Runs by the published ledger -> told_run. It knows best how a run ended whose file was last written before its end.
DELETE FROM told_run
WHERE status = 'running' AND run_id IN (SELECT run_id FROM ops.ingest_run WHERE status <> 'running');

INSERT INTO told_run BY NAME
SELECT
    * REPLACE (to_json(seconds) AS seconds, to_json(versions) AS versions),
    false AS is_published
FROM ops.ingest_run AS published
WHERE NOT EXISTS (SELECT 1 FROM told_run WHERE told_run.run_id = published.run_id);

UPDATE told_run
SET is_published = true
WHERE run_id IN (SELECT run_id FROM ops.ingest_run WHERE status = 'success');
