-- Missing records that the newest package lists are live again, for a share of the accessions. Reads the variable
-- source, and listed(accession).
UPDATE warehouse.main.virus_genome
SET status = 'live', missing_since = NULL
WHERE
    source = getvariable('source')
    AND status = 'missing'
    AND accession IN (SELECT listed.accession FROM listed WHERE in_share(listed.accession));
