-- question: New H5N1 from cattle in the USA
-- key: accession
-- The tax ids are of the H5N1 subtype (102793) and of cattle (9913). Each segment of an isolate is a record of its own.
-- To be informed, add a line such as `-- inform: team`, with a channel of `alerts:` in the sources file.
SELECT
    accession,
    isolate_name,
    segment,
    usa_state,
    collection_date,
    release_date,
    submitter_affiliation
FROM virus_genome_distinct
WHERE
    virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = 102793)
    AND host_tax_id = 9913
    AND country = 'USA';
