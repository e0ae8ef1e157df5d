-- The runs of the same source in the same DAG run, oldest first. Reads the variable run_id.
SELECT told_run.run_id, told_run.try_number, told_run.status
FROM told_run
INNER JOIN (FROM told_run WHERE run_id = getvariable('run_id')) AS asked
    ON
        told_run.dag_id = asked.dag_id
        AND told_run.dag_run_id = asked.dag_run_id
        AND told_run.source = asked.source
ORDER BY told_run.started_at, told_run.run_id;
