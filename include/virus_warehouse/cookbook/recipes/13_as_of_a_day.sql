-- What changed: What was this count on the day the paper was written?
-- `virus_genome_as_of(moment)` is the table at that time, with its values. So figures can be reproduced years later,
-- and differences explained.
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
