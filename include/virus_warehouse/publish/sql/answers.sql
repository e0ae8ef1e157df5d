-- The last answer to each finding, of sources that are still held back. Reads the variable held_back: the sources that
-- the published snapshot holds back, NULL where nothing has been published.
SELECT
    finding,
    arg_max(answer, answered_at) AS answer,
    arg_max(answered_by, answered_at) AS answered_by,
    max(answered_at) AS answered_at
FROM ops.approval
WHERE getvariable('held_back') IS NULL OR list_contains(getvariable('held_back')::VARCHAR[], source)
GROUP BY finding;
