-- Judges every node of some lines of a report -> refused_in_part(line_number, reason); and the names in good ones that
-- NCBI is not known to give -> drift.
-- Reads the variables report, expected_nodes (`shape.expected_nodes`: what may stand where) and lineage_begins (how the
-- reference to a lineage that was folded begins, as JSON), report_line and lineage_folded.
CREATE OR REPLACE TEMP TABLE expected_node AS
SELECT node.*
FROM (SELECT unnest(getvariable('expected_nodes')) AS node);

CREATE OR REPLACE TEMP TABLE checked_line AS
SELECT line_number, no_object(refusal, raw) AS reason
FROM report_line;

-- Node by node from the line itself down, through what is expected alone: what stands in something unknown says no more
-- than that does, and may be of any depth. Only what is wrong or new is kept. A strict read stops at an object that
-- gives twice what is read of it.
CREATE OR REPLACE TEMP TABLE odd_node AS
WITH RECURSIVE node AS (
    SELECT
        line.line_number,
        '$' AS fullkey,
        '$' AS path,
        root.kind,
        root.names_read,
        'OBJECT' AS type,
        coalesce(line.folded, line.raw)::JSON AS value,
        false AS is_item
    FROM report_line AS line
    INNER JOIN checked_line ON line.line_number = checked_line.line_number AND checked_line.reason IS NULL
    INNER JOIN expected_node AS root ON root.path = '$'
    UNION ALL
    SELECT
        inside.line_number,
        inside.fullkey
        || CASE WHEN inside.is_item THEN '[' || inside.name || ']' ELSE '.' || inside.name END AS fullkey,
        inside.path || CASE WHEN inside.is_item THEN '[*]' ELSE '.' || inside.name END AS path,
        expected_node.kind,
        expected_node.names_read,
        json_type(inside.value) AS type,
        inside.value,
        inside.is_item
    FROM (
        SELECT
            line_number,
            fullkey,
            path,
            kind = 'list' AS is_item,
            unnest(CASE
                WHEN kind = 'list' THEN range(json_array_length(value)::BIGINT)::VARCHAR[] ELSE json_keys(value)
            END) AS name,
            unnest(CASE
                WHEN kind = 'list' THEN json_extract(value, '$[*]') ELSE json_extract(value, '$.*')
            END) AS value
        FROM node
        WHERE (kind = 'object' AND type = 'OBJECT') OR (kind = 'list' AND type = 'ARRAY')
    ) AS inside
    LEFT JOIN expected_node
        ON inside.path = expected_node.parent
        AND expected_node.name = CASE WHEN inside.is_item THEN '[*]' ELSE inside.name END
),

judged AS (
    SELECT
        *,
        CASE
            WHEN type = 'NULL' THEN is_item AND kind <> 'anything'
            WHEN kind = 'text' THEN type <> 'VARCHAR'
            WHEN kind IN ('number', 'long') THEN whole_number(json_extract_string(value, '$')) IS NULL
            WHEN kind = 'flag' THEN truth(json_extract_string(value, '$')) IS NULL
            WHEN kind = 'list'
                THEN type <> 'ARRAY' AND NOT starts_with(value::VARCHAR, getvariable('lineage_begins'))
            WHEN kind = 'object' THEN type <> 'OBJECT'
            ELSE false
        END AS is_mistyped,
        CASE WHEN type = 'OBJECT' AND kind = 'object' THEN json_keys(value) END AS names,
        len(list_filter(names, LAMBDA name: list_contains(names_read, name)))
        > len(list_intersect(names, names_read)) AS is_repetitive
    FROM node
)

SELECT
    judged.line_number,
    judged.fullkey,
    judged.path,
    judged.kind,
    judged.is_mistyped,
    judged.is_repetitive,
    -- A lineage in something odd is shown as it was given.
    left(
        coalesce(
            replace(judged.value::VARCHAR, '"' || folded.reference || '"', folded.lineage), judged.value::VARCHAR
        ),
        200
    ) AS sample
FROM judged
LEFT JOIN lineage_folded AS folded
    ON folded.reference = regexp_extract(judged.value::VARCHAR, getvariable('lineage_begins') || '(\d+)"')[2:-2]
WHERE judged.kind IS NULL OR judged.is_mistyped OR judged.is_repetitive;

CREATE OR REPLACE TEMP TABLE refused_in_part AS
WITH fault AS (
    SELECT line_number, reason FROM checked_line WHERE reason IS NOT NULL
    UNION ALL
    SELECT line_number, fullkey || ': a field is given twice' FROM odd_node WHERE is_repetitive
    UNION ALL
    SELECT
        line_number,
        fullkey[3:] || ': ' || left(sample, 80) || ' is not '
        || CASE kind
            WHEN 'text' THEN 'a text'
            WHEN 'list' THEN 'a list'
            WHEN 'object' THEN 'an object'
            WHEN 'flag' THEN 'true or false'
            ELSE 'a whole number'
        END
    FROM odd_node
    WHERE is_mistyped
)

SELECT line_number, array_to_string(list(reason ORDER BY reason)[:5], '; ') AS reason
FROM fault
GROUP BY line_number;

-- The thousand commonest names: what has more is no report that NCBI has changed.
INSERT INTO drift
SELECT getvariable('report') AS report, left(path, 1000) AS path, count(*) AS occurrences, min(sample) AS sample
FROM odd_node
WHERE kind IS NULL AND line_number NOT IN (SELECT refused.line_number FROM refused_in_part AS refused)
GROUP BY ALL
ORDER BY occurrences DESC, path
LIMIT 1000;
