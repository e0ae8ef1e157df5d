-- Each source: contents, freshness, requested update dates, quarantined lines and unknown fields.
CREATE OR REPLACE VIEW mart.source_status AS
WITH missing AS (
    SELECT source, count(*) AS records FROM main.virus_genome WHERE status = 'missing' GROUP BY source
),

withdrawn AS (
    SELECT past.source, count(DISTINCT past.accession) AS records
    FROM main.virus_genome_history AS past
    ANTI JOIN main.virus_genome AS held ON past.source = held.source AND past.accession = held.accession
    WHERE past.ended_by = 'withdrawal'
    GROUP BY past.source
),

committed AS (
    SELECT
        source,
        mode,
        fingerprint,
        updated_since,
        until,
        (requested_at AT TIME ZONE 'UTC')::DATE AS requested_on,
        ended_at,
        max_by(fingerprint, ended_at) OVER (PARTITION BY source) AS last_fingerprint
    FROM ops.ingest_run
    WHERE status = 'success'
),

-- Requests with earlier filters are left out.
refiltered AS (
    SELECT source, max(ended_at) AS at FROM committed WHERE fingerprint <> last_fingerprint GROUP BY source
),

-- The day of a request is incomplete when the request is sent.
asked AS (
    SELECT
        committed.source,
        coalesce(committed.updated_since, '-infinity'::DATE) AS first_day,
        least(coalesce(committed.until, committed.requested_on), committed.requested_on) AS end_day,
        committed.requested_on
    FROM committed
    LEFT JOIN refiltered USING (source)
    WHERE committed.mode <> 'replay' AND coalesce(committed.ended_at > refiltered.at, true)
),

opened AS (
    SELECT
        *,
        coalesce(
            first_day > max(end_day) OVER (
                PARTITION BY source ORDER BY first_day, end_day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            true
        ) AS opens_island
    FROM asked
    WHERE first_day < end_day
),

numbered AS (
    SELECT
        *, count(*) FILTER (opens_island) OVER (PARTITION BY source ORDER BY first_day, end_day) AS island_number
    FROM opened
),

island AS (
    SELECT source, min(first_day) AS first_day, max(end_day) AS end_day
    FROM numbered
    GROUP BY source, island_number
),

neighboured AS (
    SELECT
        *,
        coalesce(
            lag(end_day) OVER (PARTITION BY source ORDER BY first_day),
            '-infinity'::DATE
        ) AS gap_start
    FROM island
),

coverage AS (
    SELECT
        source,
        list({ 'since': nullif(first_day, '-infinity'::DATE), 'until': end_day } ORDER BY first_day) AS covered,
        list({ 'since': nullif(gap_start, '-infinity'::DATE), 'until': first_day } ORDER BY first_day)
            FILTER (gap_start < first_day) AS gaps
    FROM neighboured
    GROUP BY source
),

last_request AS (
    SELECT source, max(requested_on) AS requested_on FROM asked GROUP BY source
),

last_run AS (
    SELECT
        source,
        max_by(mode, started_at) AS mode,
        max(started_at) AS started_at
    FROM ops.ingest_run
    GROUP BY source
),

refused AS (
    SELECT
        source,
        count(*) FILTER (
            replayed_at IS NULL AND resolved_at IS NULL AND acknowledged_at IS NULL
        ) AS still_open,
        count(*) FILTER (replayed_at IS NOT NULL) AS replayed
    FROM ops.quarantine
    GROUP BY source
),

drift AS (
    SELECT source, list(report || ' ' || path ORDER BY report, path) AS names
    FROM ops.schema_drift
    WHERE resolved_at IS NULL AND acknowledged_at IS NULL
    GROUP BY source
)

SELECT
    status.source,
    status.status,
    status.detail,
    status.taxon,
    status.records,
    coalesce(missing.records, 0) AS records_missing,
    coalesce(withdrawn.records, 0) AS records_withdrawn,
    status.watermark,
    last_request.requested_on - status.watermark AS days_watermark_behind,
    status.last_success_at,
    (now() AT TIME ZONE 'UTC')::DATE - (status.last_success_at AT TIME ZONE 'UTC')::DATE AS days_since_last_success,
    coverage.covered,
    CASE WHEN coverage.covered IS NOT NULL THEN coalesce(coverage.gaps, []) END AS gaps,
    coalesce(refused.still_open, 0) AS quarantine_open,
    coalesce(refused.replayed, 0) AS quarantine_replayed,
    coalesce(drift.names, []) AS drift,
    status.last_run_id,
    last_run.mode AS last_run_mode,
    last_run.started_at AS last_run_started_at,
    status.last_run_status,
    status.last_run_error,
    status.held_back_since,
    status.held_back_reason
FROM ops.source_status AS status
LEFT JOIN missing USING (source)
LEFT JOIN withdrawn USING (source)
LEFT JOIN last_request USING (source)
LEFT JOIN coverage USING (source)
LEFT JOIN last_run USING (source)
LEFT JOIN refused USING (source)
LEFT JOIN drift USING (source);

COMMENT ON VIEW mart.source_status IS
'A source: whether it is followed, its contents and freshness, the requested update dates, its quarantined lines and '
'unknown fields';
COMMENT ON COLUMN mart.source_status.source IS 'Name of the source in sources.yaml';
COMMENT ON COLUMN mart.source_status.status IS
'followed, never loaded, broken or not followed, when this was published';
COMMENT ON COLUMN mart.source_status.detail IS 'Explanation of the status, where needed';
COMMENT ON COLUMN mart.source_status.taxon IS 'Requested taxon';
COMMENT ON COLUMN mart.source_status.records IS 'Records of the source in virus_genome';
COMMENT ON COLUMN mart.source_status.records_missing IS
'Of these, those that the last census did not list; they count until another census misses them too';
COMMENT ON COLUMN mart.source_status.records_withdrawn IS
'Records withdrawn by NCBI; they are in virus_genome_history only';
COMMENT ON COLUMN mart.source_status.watermark IS 'Largest update_date listed by NCBI';
COMMENT ON COLUMN mart.source_status.days_watermark_behind IS
'Days from the watermark to the last request: how long NCBI had listed no updates at that time';
COMMENT ON COLUMN mart.source_status.last_success_at IS 'When its last run committed';
COMMENT ON COLUMN mart.source_status.days_since_last_success IS
'Days from then to now, in UTC, by the reader''s clock, so that outdated snapshots show their age';
COMMENT ON COLUMN mart.source_status.covered IS
'Update dates requested with the present filters: spans of days, until exclusive; since NULL: from the beginning. The '
'day of a request does not count';
COMMENT ON COLUMN mart.source_status.gaps IS
'Update dates before the last covered day that were never requested; since NULL: from the beginning. Empty: none; '
'NULL: no requests yet';
COMMENT ON COLUMN mart.source_status.quarantine_open IS
'Open lines in ops.quarantine: their records have not been loaded since, and they are not acknowledged';
COMMENT ON COLUMN mart.source_status.quarantine_replayed IS 'Quarantined lines loaded by a replay';
COMMENT ON COLUMN mart.source_status.drift IS
'Unknown fields in NCBI''s reports that are not acknowledged: report and JSON path; see '
'ops.schema_drift';
COMMENT ON COLUMN mart.source_status.last_run_id IS 'Its last run, committed or not; joins ops.ingest_run';
COMMENT ON COLUMN mart.source_status.last_run_mode IS 'incremental, window, full or replay';
COMMENT ON COLUMN mart.source_status.last_run_started_at IS 'When that run started';
COMMENT ON COLUMN mart.source_status.last_run_status IS 'running, success or failed';
COMMENT ON COLUMN mart.source_status.last_run_error IS 'Error of its last run';
COMMENT ON COLUMN mart.source_status.held_back_since IS
'Since when the source is held back in its last published state; NULL: not held back';
COMMENT ON COLUMN mart.source_status.held_back_reason IS 'Why the source is held back, and how to resolve it';
