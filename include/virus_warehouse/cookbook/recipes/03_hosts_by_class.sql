-- Surveillance: Which viruses were found in which classes of hosts?
-- Uses the host's lineage in the same table. A genome without a stated host is counted as such.
SELECT
    coalesce(host_class.name, CASE WHEN host_tax_id IS NULL THEN 'not stated' ELSE 'another class' END) AS host_class,
    taxon_name(virus_tax_id) AS virus,
    count(*) AS genomes,
    count(DISTINCT host_tax_id) AS hosts
FROM virus_genome_distinct
LEFT JOIN (
    SELECT descendant_tax_id, name
    FROM taxon_lineage
    INNER JOIN taxon ON tax_id = ancestor_tax_id
    WHERE name IN ('Mammalia', 'Aves', 'Insecta', 'Arachnida')
) AS host_class ON descendant_tax_id = host_tax_id
GROUP BY ALL
ORDER BY host_class, genomes DESC, virus;
