-- Sequences that do not fit their record, and records without their sequence, met first since the last snapshot.
SELECT
    source,
    'a sequence does not fit its record, or is missing' AS fault,
    concat(molecule, ' ', coalesce(nullif(sequence_id, ''), 'without a name'), ': ', reason) AS example
FROM ops.sequence_mismatch
WHERE resolved_at IS NULL AND first_run_id NOT IN (SELECT run_id FROM published_run);
