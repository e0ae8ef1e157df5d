-- What follows from a census: the absent records are missing, and those that enough different censuses have missed in a
-- row are to be withdrawn -> withdrawn(accession).
-- Reads the variables source, run_id, requested_at, now, withdraw_after and is_accepted, and
-- absent(accession, is_judged).
DELETE FROM absent WHERE NOT is_judged;

INSERT INTO warehouse.ops.census_missing BY NAME
SELECT
    getvariable('source') AS source,
    absent.accession,
    getvariable('run_id') AS run_id,
    getvariable('requested_at') AS requested_at,
    getvariable('is_accepted') AS is_accepted
FROM absent;

UPDATE warehouse.main.virus_genome
SET status = 'missing', missing_since = getvariable('requested_at')
WHERE
    source = getvariable('source')
    AND status = 'live'
    AND accession IN (SELECT absent.accession FROM absent);

CREATE OR REPLACE TEMP TABLE withdrawn AS
SELECT held.accession
FROM warehouse.main.virus_genome AS held
SEMI JOIN absent USING (accession)
INNER JOIN warehouse.ops.census_missing AS missed USING (source, accession)
WHERE
    held.source = getvariable('source')
    AND (missed.requested_at >= held.missing_since OR held.missing_since > getvariable('now'))
GROUP BY held.accession
HAVING count(DISTINCT missed.requested_at) >= getvariable('withdraw_after');
