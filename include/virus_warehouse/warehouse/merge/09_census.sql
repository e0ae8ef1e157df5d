-- Marks records as missing, and lists those missed by enough different censuses in a row -> withdrawn(accession).
-- Reads the variables source, run_id, requested_at, now, withdraw_after and is_accepted, and
-- missing_record(accession, is_eligible).
DELETE FROM missing_record WHERE NOT is_eligible;

INSERT INTO warehouse.ops.census_missing BY NAME
SELECT
    getvariable('source') AS source,
    missing_record.accession,
    getvariable('run_id') AS run_id,
    getvariable('requested_at') AS requested_at,
    getvariable('is_accepted') AS is_accepted
FROM missing_record;

UPDATE warehouse.main.virus_genome
SET status = 'missing', missing_since = getvariable('requested_at')
WHERE
    source = getvariable('source')
    AND status = 'live'
    AND accession IN (SELECT missing_record.accession FROM missing_record);

CREATE OR REPLACE TEMP TABLE withdrawn AS
SELECT held.accession
FROM warehouse.main.virus_genome AS held
SEMI JOIN missing_record USING (accession)
INNER JOIN warehouse.ops.census_missing AS missed USING (source, accession)
WHERE
    held.source = getvariable('source')
    AND (missed.requested_at >= held.missing_since OR held.missing_since > getvariable('now'))
GROUP BY held.accession
HAVING count(DISTINCT missed.requested_at) >= getvariable('withdraw_after');
