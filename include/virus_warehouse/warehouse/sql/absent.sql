-- The records held of a source that a full package does not list, for a share of the accessions -> absent.
-- Reads the variables source and requested_at, and listed(accession).
--
-- A census judges a record only if its package could have shown it: it was held when the package was requested, and its
-- update date is one that NCBI's index had reached. `is_accepted`: a person has accepted before that it is missing.
INSERT INTO absent
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
    held.valid_from < getvariable('requested_at') AND coalesce(held.update_date <= package.reach, true) AS is_judged,
    EXISTS (
        FROM warehouse.ops.census_missing AS earlier
        WHERE
            earlier.source = held.source
            AND earlier.accession = held.accession
            AND earlier.requested_at >= held.missing_since
            AND earlier.is_accepted
    ) AS is_accepted
FROM warehouse.main.virus_genome AS held
CROSS JOIN package
ANTI JOIN (SELECT listed.accession FROM listed WHERE in_share(accession)) AS given ON held.accession = given.accession
WHERE held.source = getvariable('source') AND in_share(held.accession);
