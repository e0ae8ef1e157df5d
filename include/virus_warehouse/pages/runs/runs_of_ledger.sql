-- Runs from the published ledger -> run_view. The ledger takes precedence over files that were last written before the
-- end of their run.
DELETE FROM run_view
WHERE status = 'running' AND run_id IN (SELECT run_id FROM ops.ingest_run WHERE status <> 'running');

INSERT INTO run_view BY NAME
SELECT
    * REPLACE (to_json(seconds) AS seconds, to_json(versions) AS versions),
    false AS is_published
FROM ops.ingest_run AS published
WHERE NOT EXISTS (SELECT 1 FROM run_view WHERE run_view.run_id = published.run_id);

UPDATE run_view
SET is_published = true
WHERE run_id IN (SELECT run_id FROM ops.ingest_run WHERE status = 'success');
