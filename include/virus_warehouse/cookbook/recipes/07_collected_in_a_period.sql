-- Surveillance: How many genomes were certainly collected in a period, and how many possibly?
-- Certainly: the whole range of the date is in the period. Possibly: it overlaps. The true number is between the two.
SELECT
    taxon_name(virus_tax_id) AS virus,
    count(*) FILTER (collection_date_min >= DATE '2026-04-01' AND collection_date_max < DATE '2026-07-01') AS certainly,
    count(*) AS possibly
FROM virus_genome_distinct
WHERE collection_date_max >= DATE '2026-04-01' AND collection_date_min < DATE '2026-07-01'
GROUP BY virus_tax_id
ORDER BY possibly DESC, virus;
