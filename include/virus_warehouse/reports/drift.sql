-- The names in a readable part of a report that NCBI is not known to give -> drift(path, occurrences, sample). An
-- unknown object is told once, by its own path; the sample shows what is in it. Of a line's unknown names the first
-- hundred are looked at, of a part's the thousand commonest told: what has more is no report that NCBI has changed, and
-- each name costs a look at the line.
-- Reads the variable report_path, lineage_look, and what line_macros.sql reads.
INSERT INTO drift
WITH line AS (
    SELECT json AS raw, unnest(unknown_names(json)[:100]) AS unknown
    FROM read_ndjson_objects(getvariable('report_path'), maximum_object_size = 16777216)
),

step AS (
    SELECT occurrences, unnest(json_extract(lineage, '$[*]')) AS step FROM lineage_look
),

step_name AS (
    SELECT step, occurrences, unnest(json_keys(step)) AS name FROM step WHERE json_type(step) = 'OBJECT'
),

found AS (
    SELECT unknown.path AS path, json_extract(raw, unknown.pointer)::VARCHAR AS value, 1 AS occurrences FROM line

    UNION ALL

    SELECT
        'lineage[*].' || name,
        json_extract(step, '/' || replace(replace(name, '~', '~0'), '/', '~1'))::VARCHAR,
        occurrences
    FROM step_name
    WHERE name NOT IN ('taxId', 'name')
)

SELECT left(path, 1000) AS path, sum(occurrences)::BIGINT AS occurrences, left(min(value), 200) AS sample
FROM found
GROUP BY ALL
ORDER BY occurrences DESC, path
LIMIT 1000;
