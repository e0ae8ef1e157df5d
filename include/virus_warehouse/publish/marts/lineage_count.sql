-- SARS-CoV-2 by Pango lineage, month of collection and country, with each lineage's share.
-- A record counts in a month only if all its possible collection dates are in that month.
CREATE OR REPLACE VIEW mart.lineage_count AS
WITH record AS (
    SELECT
        -- Pangolin's values when it assigns none.
        CASE WHEN lower(pango_lineage) NOT IN ('unassigned', 'unclassifiable', 'none') THEN pango_lineage END
            AS pango_lineage,
        country,
        collection_date_min,
        collection_date_max,
        collection_date_precision,
        date_trunc('month', collection_date_min)::DATE AS first_day,
        coalesce(collection_date_max <= last_day(collection_date_min), false) AS is_in_month
    FROM main.virus_genome_distinct
    WHERE virus_tax_id IN (SELECT descendant_tax_id FROM main.taxon_lineage WHERE ancestor_tax_id = 2697049)
),

counted AS (
    SELECT
        CASE WHEN is_in_month THEN first_day END AS month_start,
        CASE WHEN is_in_month THEN 'month' ELSE 'unsure' END AS month_certainty,
        CASE WHEN NOT is_in_month THEN collection_date_precision END AS collection_date_precision,
        CASE WHEN is_in_month THEN first_day ELSE collection_date_min END AS span_start,
        CASE WHEN is_in_month THEN last_day(first_day) ELSE collection_date_max END AS span_end,
        pango_lineage,
        country,
        count(*) AS records
    FROM record
    GROUP BY ALL
)

SELECT
    *,
    CASE
        WHEN month_start IS NOT NULL AND pango_lineage IS NOT NULL
            THEN
                (
                    sum(records) FILTER (pango_lineage IS NOT NULL) OVER (PARTITION BY month_start, country)
                )::BIGINT
    END AS records_with_lineage,
    records / records_with_lineage AS share_of_month
FROM counted;

COMMENT ON VIEW mart.lineage_count IS
'SARS-CoV-2 records by Pango lineage, month of collection and country. Each record counts once, however many '
'sources have it; withdrawn ones do not, missing ones still do. Records without an exact month are in rows of '
'their own (month_certainty unsure). Lineages are NCBI''s current assignments, and a lineage does not include its '
'sublineages. Sequenced samples are not a random sample of circulating viruses';
COMMENT ON COLUMN mart.lineage_count.month_start IS 'First day of the month; NULL without an exact month';
COMMENT ON COLUMN mart.lineage_count.month_certainty IS
'month: all possible dates are in the month; unsure: they are not, or there is no readable date';
COMMENT ON COLUMN mart.lineage_count.collection_date_precision IS
'Of unsure rows: year or range; NULL if there is no readable date';
COMMENT ON COLUMN mart.lineage_count.span_start IS 'Earliest possible collection date';
COMMENT ON COLUMN mart.lineage_count.span_end IS 'Latest possible collection date';
COMMENT ON COLUMN mart.lineage_count.pango_lineage IS 'Pango lineage; NULL if NCBI assigned none';
COMMENT ON COLUMN mart.lineage_count.country IS
'Country of collection; NULL if none is known';
COMMENT ON COLUMN mart.lineage_count.records IS 'Nucleotide records';
COMMENT ON COLUMN mart.lineage_count.records_with_lineage IS
'The denominator: all records of the month and country that have a lineage; NULL where there is no share';
COMMENT ON COLUMN mart.lineage_count.share_of_month IS
'records / records_with_lineage, 0 to 1; NULL without a lineage or a month. Over several countries or months, add '
'up both and divide';
