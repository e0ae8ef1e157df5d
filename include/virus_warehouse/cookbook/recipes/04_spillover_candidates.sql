-- Surveillance: Which genomes of SARS-CoV-2 and mpox come from animals?
-- Hosts under Mammalia or Aves other than *Homo sapiens* (9606), without laboratory hosts. The two viruses are given by
-- their NCBI Taxonomy IDs, with everything under them.
SELECT
    accession_version,
    taxon_name(virus_tax_id) AS virus,
    taxon_name(host_tax_id) AS host,
    host_common_name,
    geo_location,
    collection_date
FROM virus_genome_distinct
INNER JOIN taxon_lineage ON descendant_tax_id = host_tax_id
INNER JOIN taxon ON tax_id = ancestor_tax_id
WHERE
    taxon.name IN ('Mammalia', 'Aves')
    AND host_tax_id <> 9606
    AND NOT coalesce(is_lab_host, false)
    AND virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id IN (2697049, 10244))
ORDER BY virus, accession_version;
