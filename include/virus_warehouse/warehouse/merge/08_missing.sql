-- The held records of a source that a full package does not list, for a share of the accessions -> missing_record.
-- Reads the variables source, requested_at and now, and listed(accession).
--
-- is_eligible: the package could have listed it. It was held when the package was requested (or its valid_from is in
-- the future, from a clock that was ahead), and NCBI's index had reached its update date.
-- is_accepted: a person has accepted before that it is missing.
INSERT INTO missing_record
WITH package AS (
    SELECT
        coalesce(
            max(update_date) FILTER (update_date <= getvariable('requested_at')::DATE),
            getvariable('requested_at')::DATE
        ) AS reach
    FROM data_report
)

SELECT
    held.accession,
    (held.valid_from < getvariable('requested_at') OR held.valid_from > getvariable('now'))
    AND coalesce(held.update_date <= package.reach, true) AS is_eligible,
    EXISTS (
        FROM warehouse.ops.census_missing AS earlier
        WHERE
            earlier.source = held.source
            AND earlier.accession = held.accession
            AND (earlier.requested_at >= held.missing_since OR held.missing_since > getvariable('now'))
            AND earlier.is_accepted
    ) AS is_accepted
FROM warehouse.main.virus_genome AS held
CROSS JOIN package
ANTI JOIN (SELECT listed.accession FROM listed WHERE in_share(accession)) AS given ON held.accession = given.accession
WHERE held.source = getvariable('source') AND in_share(held.accession);
