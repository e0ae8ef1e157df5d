-- What changed: What did this count say on the day the paper was written?
-- `virus_genome_as_of(moment)` is the table as it stood then, with the values of then. So a figure can be made again
-- years later, and a reviewer told why it differs today.
SELECT
    taxon_name(virus_tax_id) AS virus,
    count(*) FILTER (day = 'paper') AS in_the_paper,
    count(*) FILTER (day = 'now') AS now
FROM (
    SELECT virus_tax_id, 'paper' AS day
    FROM virus_genome_as_of('2026-11-18 18:00:00+00')
    WHERE source = 'viruses'
    UNION ALL
    SELECT virus_tax_id, 'now' AS day
    FROM virus_genome
    WHERE source = 'viruses'
)
GROUP BY virus_tax_id
ORDER BY in_the_paper DESC, virus;
