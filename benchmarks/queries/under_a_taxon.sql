-- Everything under a taxon, here the orthopoxviruses, by host.
SELECT genome.host_name, count(*) AS records
FROM virus_genome AS genome
INNER JOIN taxon_lineage AS lineage ON genome.virus_tax_id = lineage.descendant_tax_id
WHERE lineage.ancestor_tax_id = 10242
GROUP BY ALL
ORDER BY records DESC;
