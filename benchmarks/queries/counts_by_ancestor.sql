-- Records under each taxon of any rank.
SELECT taxon.name, sum(held.records) AS records
FROM (SELECT virus_tax_id, count(*) AS records FROM virus_genome GROUP BY virus_tax_id) AS held
INNER JOIN taxon_lineage AS lineage ON held.virus_tax_id = lineage.descendant_tax_id
INNER JOIN taxon ON lineage.ancestor_tax_id = taxon.tax_id
GROUP BY ALL
ORDER BY records DESC;
