-- Surveillance: Which Pango lineages of SARS-CoV-2 make up which share of a month?
-- Lineages as assigned by NCBI. Shares are of the genomes with a lineage and an exact month: over several countries,
-- add both up and divide, as here. Shares of few genomes are unreliable, so their number is shown.
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
