-- Surveillance: Which Pango lineages of SARS-CoV-2 make up which share of a month?
-- Lineages as NCBI assigns them. Shares are of the genomes with a lineage and a certain month: over several countries,
-- add both up and divide, as here. Few genomes make a wild share, so their number stands beside it.
SELECT
    month_start,
    pango_lineage,
    sum(records) AS genomes,
    sum(sum(records)) OVER (PARTITION BY month_start) AS genomes_of_month,
    round(100 * sum(records) / sum(sum(records)) OVER (PARTITION BY month_start), 1) AS percent
FROM mart.lineage_count
WHERE month_start >= DATE '2026-06-01' AND pango_lineage IS NOT NULL
GROUP BY month_start, pango_lineage
ORDER BY month_start, genomes DESC, pango_lineage;
