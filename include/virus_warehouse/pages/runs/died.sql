-- Marks running runs without a process as failed. Reads the variables dead_runs, died.
UPDATE run_view
SET status = 'failed', failed_in = stage, stage = 'failed', error = getvariable('died'), ended_at = written_at
WHERE status = 'running' AND list_contains(getvariable('dead_runs')::VARCHAR[], run_id);
