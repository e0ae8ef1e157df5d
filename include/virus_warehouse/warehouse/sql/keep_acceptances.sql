-- Writes what take_acceptances.sql took from another warehouse, of the loads that this one has too.
INSERT INTO warehouse.ops.acceptance BY NAME
SELECT source, run_id, accepted FROM accepted_load
WHERE run_id IN (SELECT ingest_run.run_id FROM warehouse.ops.ingest_run);
