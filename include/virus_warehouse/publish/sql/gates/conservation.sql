-- Every line of every report, and every entry of every FASTA file, of every committed run has an outcome.
SELECT source, 'the lines of a report do not add up' AS fault, run_id || ' ' || report AS example
FROM ops.ingest_report
WHERE
    lines IS DISTINCT FROM
    inserted + revised + touched + unchanged + stale + duplicate + out_of_window + quarantined

UNION ALL

SELECT source, 'a committed run lost its report counts', run_id
FROM ops.ingest_run
WHERE status = 'success' AND run_id NOT IN (SELECT run_id FROM ops.ingest_report)

UNION ALL

SELECT source, 'the entries of a FASTA file do not add up', run_id || ' ' || molecule
FROM ops.ingest_sequence
WHERE records IS DISTINCT FROM stored + unchanged + mismatched + orphaned;
