-- Runs whose records do not count as changes: NCBI may have had them for years before a source requested them.
CREATE OR REPLACE VIEW mart.first_load AS
WITH loaded AS (
    SELECT
        run_id,
        source,
        mode,
        ended_at,
        fingerprint,
        -- The part of the request that selects records, without the reports.
        regexp_replace(
            replace(regexp_extract(request_url, '/virus/.*'), '?', '&'),
            '&(aux_report|use_psg|updated_since|include_sequence|filename)=[^&]*',
            '',
            'g'
        ) AS filters
    FROM ops.ingest_run
    WHERE status = 'success' AND mode <> 'replay'
),

filtered AS (
    SELECT
        *,
        coalesce(
            fingerprint <> lag(fingerprint) OVER of_source
            AND coalesce(filters <> lag(filters) OVER of_source, true),
            true
        ) AS is_refiltered
    FROM loaded
    WINDOW of_source AS (PARTITION BY source ORDER BY ended_at)
),

numbered AS (
    SELECT *, count(*) FILTER (is_refiltered) OVER (PARTITION BY source ORDER BY ended_at) AS filter_number
    FROM filtered
),

first_of_filters AS (
    SELECT run_id, source, mode, ended_at
    FROM numbered
    QUALIFY count(*) FILTER (mode = 'full') OVER (
        PARTITION BY source, filter_number ORDER BY ended_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) = 0
)

FROM first_of_filters
UNION ALL
SELECT run_id, source, mode, ended_at FROM ops.ingest_run WHERE status = 'success' AND mode = 'replay';

COMMENT ON VIEW mart.first_load IS
'A run whose records do not count as changes: a source''s loads up to its first full one, the same after its filters '
'changed, and replays of quarantined lines';
COMMENT ON COLUMN mart.first_load.run_id IS 'The run; joins ops.ingest_run and virus_genome.run_id';
COMMENT ON COLUMN mart.first_load.source IS 'Name of the source in sources.yaml';
COMMENT ON COLUMN mart.first_load.mode IS 'incremental, window, full or replay';
COMMENT ON COLUMN mart.first_load.ended_at IS 'When the run committed';
