-- Fields that records of the snapshot had and have no more, of sources whose filters and reports are the same.
-- Reads emptied(source, field, had, accessions).
WITH asked AS (
    SELECT source, max_by(fingerprint, ended_at) AS fingerprint
    FROM ops.ingest_run WHERE status = 'success' GROUP BY source
),

asked_for_snapshot AS (
    SELECT source, max_by(fingerprint, ended_at) AS fingerprint
    FROM snapshot_run WHERE status = 'success' GROUP BY source
)

SELECT
    source,
    format(
        'of {} records that had {}, {} lost it, more than {}%',
        emptied.had, emptied.field, len(emptied.accessions), round(100 * source_limit.max_emptied, 2)
    ) AS fault,
    unnest(emptied.accessions) AS example
FROM emptied
INNER JOIN source_limit USING (source)
INNER JOIN asked USING (source)
INNER JOIN asked_for_snapshot USING (source, fingerprint)
WHERE
    len(emptied.accessions) >= getvariable('few')
    AND len(emptied.accessions) > emptied.had * source_limit.max_emptied;
