-- What changed: Which records has NCBI withdrawn?
-- NCBI does not announce it: a census loads everything, and records missing in two of them in a row count as withdrawn.
-- They leave `virus_genome`, so that counts are right, and stay in the history. A record missed by one census still
-- counts, with `status = 'missing'`. A source without censuses keeps records that another source's census has found
-- withdrawn: see the last column.
SELECT
    gone.source,
    gone.accession_version,
    taxon_name(gone.virus_tax_id) AS virus,
    gone.missing_since::DATE AS first_missed_on,
    coalesce(gone.ended_by, 'missing') AS state,
    gone.valid_to::DATE AS withdrawn_on,
    held.sources AS still_held_by
FROM (
    FROM virus_genome_history
    WHERE ended_by = 'withdrawal'
    UNION ALL BY NAME
    FROM virus_genome
    WHERE status = 'missing'
) AS gone
LEFT JOIN virus_genome_distinct AS held USING (accession)
ORDER BY gone.missing_since, gone.accession_version;
