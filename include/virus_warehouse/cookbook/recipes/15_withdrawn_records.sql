-- What changed: Which records has NCBI withdrawn?
-- NCBI does not say so: a census lists everything, and what two of them in a row do not list counts as withdrawn. It
-- leaves `virus_genome`, so that counts are right, and stays in the history. A record that one census has missed still
-- counts, with `status = 'missing'`. A source without a census of its own goes on holding what another has found
-- withdrawn: the last column.
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
