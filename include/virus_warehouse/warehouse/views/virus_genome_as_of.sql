-- The records as the warehouse showed them at a time: states valid then, current or ended since. Times before the
-- history was thinned are refused, since some states of then are removed.
-- Not covered are status and missing_since, which are only known for now, and update_date, which is updated in place
-- when nothing else changed.
CREATE OR REPLACE MACRO virus_genome_as_of(moment) AS TABLE
WITH refused AS (
    SELECT CASE WHEN count(*) > 0
        THEN error(
            'the history of ' || string_agg(source, ', ' ORDER BY source) || ' was thinned by history_days: states '
            || 'of records that ended by ' || strftime(max(kept_since) AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f UTC')
            || ' are removed. Ask for a later time, or ask a back-up that is older.'
        )
    END AS reason
    FROM ops.history_thinned
    WHERE moment::TIMESTAMPTZ < kept_since
)

SELECT * EXCLUDE (status, missing_since)
FROM virus_genome
WHERE valid_from <= moment::TIMESTAMPTZ AND (SELECT refused.reason IS NULL FROM refused)
UNION ALL BY NAME
SELECT * EXCLUDE (status, missing_since, valid_to, ended_by, ended_run_id)
FROM virus_genome_history
WHERE
    valid_from <= moment::TIMESTAMPTZ
    AND valid_to > moment::TIMESTAMPTZ
    AND (SELECT refused.reason IS NULL FROM refused);

COMMENT ON MACRO TABLE virus_genome_as_of IS -- noqa: PRS
'The records as the warehouse had them at a moment; without status and missing_since, which have no history. A moment '
'from which history_days has removed states is refused';
