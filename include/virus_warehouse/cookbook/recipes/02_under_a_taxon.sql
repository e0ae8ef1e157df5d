-- Surveillance: How many genomes are there of everything under a taxon, at any rank?
-- `taxon_lineage` has a row for each taxon and each of its ancestors, itself included, so one join works for a
-- family, a genus or a single strain. Here the four serotypes under dengue virus; replace it by another scientific
-- name, such as `Orthomyxoviridae`.
SELECT
    taxon_name(virus_tax_id) AS virus,
    count(*) AS genomes,
    min(collection_date_min) AS first_collected,
    max(collection_date_max) AS last_collected
FROM virus_genome_distinct
INNER JOIN taxon_lineage ON descendant_tax_id = virus_tax_id
INNER JOIN taxon ON tax_id = ancestor_tax_id
WHERE taxon.name = 'dengue virus'
GROUP BY virus_tax_id
ORDER BY genomes DESC, virus;
