-- Checks every node of some lines of a report -> refused_in_part(line_number, reason); and unknown fields of valid
-- lines -> drift.
-- Reads the variables report, expected_nodes (`shape.expected_nodes`) and lineage_begins (the beginning of a reference
-- to a folded lineage, as JSON), report_line and lineage_folded.
CREATE OR REPLACE TEMP TABLE expected_node AS
SELECT node.*
FROM (SELECT unnest(getvariable('expected_nodes')) AS node);

CREATE OR REPLACE TEMP TABLE checked_line AS
SELECT line_number, not_an_object_reason(refusal, raw) AS reason
FROM report_line;

-- Node by node from the line itself down, through expected nodes only: the contents of an unknown node add nothing, and
-- may be of any depth. Only odd nodes are stored. A strict read stops at an object that repeats a field that is read.
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

checked AS (
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
    checked.line_number,
    checked.fullkey,
    checked.path,
    checked.kind,
    checked.is_mistyped,
    checked.is_repetitive,
    -- A lineage in an odd node is shown unfolded.
    left(
        coalesce(
            replace(checked.value::VARCHAR, '"' || folded.reference || '"', folded.lineage), checked.value::VARCHAR
        ),
        200
    ) AS sample
FROM checked
LEFT JOIN lineage_folded AS folded
    ON folded.reference = regexp_extract(checked.value::VARCHAR, getvariable('lineage_begins') || '(\d+)"')[2:-2]
WHERE checked.kind IS NULL OR checked.is_mistyped OR checked.is_repetitive;

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

-- Only the thousand most frequent names: no changed report has more.
INSERT INTO drift
SELECT getvariable('report') AS report, left(path, 1000) AS path, count(*) AS occurrences, min(sample) AS sample
FROM odd_node
WHERE kind IS NULL AND line_number NOT IN (SELECT refused.line_number FROM refused_in_part AS refused)
GROUP BY ALL
ORDER BY occurrences DESC, path
LIMIT 1000;
