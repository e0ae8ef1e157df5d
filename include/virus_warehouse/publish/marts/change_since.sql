-- New, revised, withdrawn, filtered and reinstated records after a time, one row per change.
-- The records as of that time plus these changes are the current records.
-- Comments on table macros are known to DuckDB, not yet to sqlfluff.
-- noqa: disable=PRS
CREATE OR REPLACE MACRO mart.change_since(moment) AS TABLE
WITH refused AS (
    SELECT
        CASE WHEN count(*) > 0
            THEN error(
                'the history of ' || string_agg(source, ', ' ORDER BY source) || ' was thinned by history_days: '
                || 'changes by ' || strftime(max(kept_since) AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f UTC')
                || ' are removed. Ask for a later time, or ask a back-up that is older.'
            )
        END AS reason
    FROM ops.history_thinned
    WHERE moment::TIMESTAMPTZ < kept_since
),

begun AS (
    SELECT source, accession, accession_version, virus_tax_id, virus_name, country, valid_from, run_id
    FROM main.virus_genome
    WHERE valid_from > moment::TIMESTAMPTZ AND (SELECT refused.reason IS NULL FROM refused)
    UNION ALL
    SELECT source, accession, accession_version, virus_tax_id, virus_name, country, valid_from, run_id
    FROM main.virus_genome_history
    WHERE valid_from > moment::TIMESTAMPTZ
),

-- How each preceding state ended.
before AS (
    SELECT begun.source, begun.accession, begun.valid_from, arg_max(past.ended_by, past.valid_to) AS ended_by
    FROM begun
    INNER JOIN main.virus_genome_history AS past
        ON
            begun.source = past.source
            AND begun.accession = past.accession
            AND begun.valid_from >= past.valid_to
    GROUP BY begun.source, begun.accession, begun.valid_from
),

change AS (
    SELECT
        begun.source,
        begun.accession,
        begun.accession_version,
        CASE
            WHEN before.ended_by IS NULL THEN 'new'
            WHEN before.ended_by = 'revision' THEN 'revised'
            ELSE 'reinstated'
        END AS change,
        begun.valid_from AS changed_at,
        begun.run_id,
        begun.virus_tax_id,
        begun.virus_name,
        begun.country
    FROM begun
    LEFT JOIN before USING (source, accession, valid_from)
    UNION ALL
    SELECT
        source,
        accession,
        accession_version,
        CASE ended_by WHEN 'withdrawal' THEN 'withdrawn' ELSE 'filtered' END AS change,
        valid_to AS changed_at,
        ended_run_id AS run_id,
        virus_tax_id,
        virus_name,
        country
    FROM main.virus_genome_history
    WHERE valid_to > moment::TIMESTAMPTZ AND ended_by <> 'revision'
)

-- Revisions count as changes in any run.
SELECT
    change.* EXCLUDE (virus_tax_id) REPLACE (coalesce(virus.name, change.virus_name) AS virus_name),
    first_load.run_id IS NOT NULL AND change.change <> 'revised' AS is_first_load
FROM change
LEFT JOIN mart.first_load USING (run_id)
LEFT JOIN main.taxon AS virus ON change.virus_tax_id = virus.tax_id;

COMMENT ON MACRO TABLE mart.change_since IS
'Changes after a time, one row each: source, accession, accession_version, change (new, revised, reinstated, '
'withdrawn, or filtered: no longer shown by the source''s filters), changed_at (commit time of the run), run_id, '
'virus_name (the current one), country, is_first_load (not a change at NCBI: the source''s first load, or its first '
'load with these filters; see first_load). A record changed twice has two rows; a changed update_date alone is no '
'change. The argument is a time, such as ''2026-11-20 06:00:00+00'', exclusive';
