-- Fields that records of the snapshot had and have lost, for sources with unchanged filters and reports: a row per
-- record -> lost_field.
-- Reads published_filled and held_filled(source, accession, bits), a bit for each field that a record has, and
-- published_field(source, field, bit, had). What a person accepted for an unpublished load is not flagged again.
CREATE OR REPLACE TEMP VIEW lost_field AS
WITH asked AS (
    SELECT source, max_by(fingerprint, ended_at) AS fingerprint
    FROM ops.ingest_run WHERE status = 'success' GROUP BY source
),

asked_for_snapshot AS (
    SELECT source, max_by(fingerprint, ended_at) AS fingerprint
    FROM snapshot_run WHERE status = 'success' GROUP BY source
),

emptied AS (
    SELECT source, accession, published_filled.bits & ~held_filled.bits AS bits
    FROM published_filled
    INNER JOIN held_filled USING (source, accession)
    WHERE published_filled.bits & ~held_filled.bits <> 0
),

counted AS (
    SELECT
        source,
        emptied.accession,
        published_field.field,
        published_field.had,
        count(*) OVER (PARTITION BY source, published_field.field) AS lost
    FROM emptied
    INNER JOIN published_field USING (source)
    WHERE emptied.bits & published_field.bit <> 0
)

SELECT
    source,
    counted.accession,
    counted.field,
    counted.had,
    counted.lost,
    source_limit.max_emptied
FROM counted
INNER JOIN source_limit USING (source)
INNER JOIN asked USING (source)
INNER JOIN asked_for_snapshot USING (source, fingerprint)
WHERE
    counted.lost >= getvariable('few')
    AND source NOT IN (
        SELECT acceptance.source
        FROM ops.acceptance
        WHERE acceptance.accepted = 'emptied' AND acceptance.run_id NOT IN (SELECT run_id FROM published_run)
    );
