-- The records held of a source that a full package does not list, for a share of the accessions -> absent.
-- Reads the variables source, requested_at and now, and listed(accession).
--
-- A census judges a record only if its package could have shown it: it was held when the package was requested, or is
-- held only after now, by a clock that ran ahead; and its update date is one that NCBI's index had reached.
-- `is_accepted`: a person has accepted before that it is missing.
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
    (held.valid_from < getvariable('requested_at') OR held.valid_from > getvariable('now'))
    AND coalesce(held.update_date <= package.reach, true) AS is_judged,
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
