-- The last run of each source, as it is now.
SELECT *
FROM told_run
QUALIFY row_number() OVER (PARTITION BY source ORDER BY started_at DESC, run_id DESC) = 1;
