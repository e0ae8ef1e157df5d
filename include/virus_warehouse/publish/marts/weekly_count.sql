-- Records by the ISO week of their collection, country, virus and host.
-- A record counts in a week only if all its possible collection dates are in that week.
CREATE OR REPLACE VIEW mart.weekly_count AS
-- Aggregated by the records' own values first, to parse each combination once.
WITH counted AS (
    SELECT
        country,
        virus_tax_id,
        host_tax_id,
        -- Without a tax id, only the name is left.
        CASE WHEN virus_tax_id IS NULL THEN virus_name END AS untaxed_virus_name,
        CASE WHEN host_tax_id IS NULL THEN host_name END AS untaxed_host_name,
        collection_date_min,
        collection_date_max,
        collection_date_precision,
        count(*) AS records
    FROM main.virus_genome_distinct
    GROUP BY ALL
),

dated AS (
    SELECT
        *,
        date_trunc('week', collection_date_min)::DATE AS monday,
        coalesce(collection_date_max <= monday + 6, false) AS is_in_week
    FROM counted
),

weekly AS (
    SELECT
        CASE WHEN is_in_week THEN monday END AS week_start,
        CASE WHEN is_in_week THEN 'week' ELSE 'unsure' END AS week_certainty,
        CASE WHEN NOT is_in_week THEN collection_date_precision END AS collection_date_precision,
        CASE WHEN is_in_week THEN monday ELSE collection_date_min END AS span_start,
        CASE WHEN is_in_week THEN monday + 6 ELSE collection_date_max END AS span_end,
        country,
        virus_tax_id,
        host_tax_id,
        untaxed_virus_name,
        untaxed_host_name,
        sum(records)::BIGINT AS records
    FROM dated
    GROUP BY ALL
)

SELECT
    weekly.week_start,
    strftime(weekly.week_start, '%G-W%V') AS iso_week,
    weekly.week_certainty,
    weekly.collection_date_precision,
    weekly.span_start,
    weekly.span_end,
    weekly.country,
    weekly.virus_tax_id,
    coalesce(virus.name, weekly.untaxed_virus_name) AS virus_name,
    weekly.host_tax_id,
    coalesce(host.name, weekly.untaxed_host_name) AS host_name,
    weekly.records
FROM weekly
LEFT JOIN main.taxon AS virus ON weekly.virus_tax_id = virus.tax_id
LEFT JOIN main.taxon AS host ON weekly.host_tax_id = host.tax_id;

COMMENT ON VIEW mart.weekly_count IS
'Records by ISO week of collection, country, virus and host. Each record counts once, however many sources have it; '
'withdrawn ones do not, missing ones still do. Records without an exact week are in rows of their own (week_certainty '
'unsure): exclude them from curves, and report their number. Records are not cases: a segmented '
'virus has one for each segment (see segment_completeness), and a RefSeq record exists beside the one that it '
'copies';
COMMENT ON COLUMN mart.weekly_count.week_start IS
'Monday of the ISO 8601 week; NULL without an exact week';
COMMENT ON COLUMN mart.weekly_count.iso_week IS 'The week in ISO 8601 format, such as 2026-W01';
COMMENT ON COLUMN mart.weekly_count.week_certainty IS
'week: all possible dates are in the week; unsure: they are not, or there is no readable date';
COMMENT ON COLUMN mart.weekly_count.collection_date_precision IS
'Of unsure rows: month, year or range; NULL if there is no readable date';
COMMENT ON COLUMN mart.weekly_count.span_start IS
'Earliest possible collection date: the Monday of a week, the first day of an unsure date';
COMMENT ON COLUMN mart.weekly_count.span_end IS
'Latest possible collection date: the Sunday of a week, the last day of an unsure date';
COMMENT ON COLUMN mart.weekly_count.country IS
'Country or sea of collection; NULL if none is known';
COMMENT ON COLUMN mart.weekly_count.virus_tax_id IS 'NCBI Taxonomy ID of the virus; joins taxon, taxon_lineage';
COMMENT ON COLUMN mart.weekly_count.virus_name IS 'Current scientific name of the virus';
COMMENT ON COLUMN mart.weekly_count.host_tax_id IS 'NCBI Taxonomy ID of the host; NULL if none is stated';
COMMENT ON COLUMN mart.weekly_count.host_name IS 'Current scientific name of the host; NULL if none is stated';
COMMENT ON COLUMN mart.weekly_count.records IS 'Nucleotide records';
