-- What the attached database warehouse has and the attached database rebuilt lacks, for each source that lost anything.
WITH counted AS (
    SELECT source, count(*) AS records, count(*) FILTER (status = 'missing') AS missing
    FROM warehouse.main.virus_genome
    GROUP BY source
    UNION ALL BY NAME
    SELECT source, count(*) AS history, count(*) FILTER (ended_by = 'withdrawal') AS withdrawn
    FROM warehouse.main.virus_genome_history
    GROUP BY source
    UNION ALL BY NAME
    SELECT source, -count(*) AS records, -count(*) FILTER (status = 'missing') AS missing
    FROM rebuilt.main.virus_genome
    GROUP BY source
    UNION ALL BY NAME
    SELECT source, -count(*) AS history, -count(*) FILTER (ended_by = 'withdrawal') AS withdrawn
    FROM rebuilt.main.virus_genome_history
    GROUP BY source
    UNION ALL BY NAME
    SELECT source, count(*) AS runs
    FROM warehouse.ops.ingest_run
    WHERE status = 'success' AND run_id NOT IN (SELECT kept.run_id FROM rebuilt.ops.ingest_run AS kept)
    GROUP BY source
),

lost AS (
    SELECT
        source,
        greatest(coalesce(sum(records), 0), 0)::BIGINT AS records,
        greatest(coalesce(sum(missing), 0), 0)::BIGINT AS missing,
        greatest(coalesce(sum(history), 0), 0)::BIGINT AS history,
        greatest(coalesce(sum(withdrawn), 0), 0)::BIGINT AS withdrawn,
        greatest(coalesce(sum(runs), 0), 0)::BIGINT AS runs
    FROM counted
    GROUP BY source
)

SELECT *
FROM lost
WHERE records + missing + history + withdrawn + runs > 0
ORDER BY source;
