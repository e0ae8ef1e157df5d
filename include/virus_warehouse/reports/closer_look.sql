-- Looks at every node of every line of a part of a nested report -> refused_in_part(line_number, reason), drift.
-- Reads the variables report and expected_nodes (`shape.expected_nodes`: what may stand where), and report_line.
CREATE OR REPLACE TEMP TABLE expected_node AS
SELECT node.*
FROM (SELECT unnest(getvariable('expected_nodes')) AS node);

CREATE OR REPLACE TEMP TABLE judged_line AS
SELECT line_number, no_object(refusal, raw) AS reason
FROM report_line;

-- Only what is wrong or new is kept. A node below something unknown says no more than that does. A strict read stops at
-- an object that gives twice what is read of it.
CREATE OR REPLACE TEMP TABLE odd_node AS
WITH node AS (
    SELECT
        line.line_number,
        tree.fullkey,
        tree.type,
        tree.value,
        regexp_replace(tree.path, '\[\d+\]', '[*]', 'g') AS parent_path,
        tree.fullkey = tree.path || '[' || tree.key || ']' AS is_item,
        CASE
            WHEN tree.key IS NULL THEN '$'
            WHEN is_item THEN parent_path || '[*]'
            ELSE parent_path || '.' || tree.key
        END AS node_path
    FROM report_line AS line
    SEMI JOIN (SELECT line_number FROM judged_line WHERE reason IS NULL) AS sound USING (line_number),
        json_tree(line.raw) AS tree
),

judged AS (
    SELECT
        node.*,
        expected_node.kind,
        CASE
            WHEN node.type = 'NULL' THEN node.is_item
            WHEN expected_node.kind = 'text' THEN node.type <> 'VARCHAR'
            WHEN expected_node.kind IN ('number', 'long') THEN number_in(node.value) IS NULL
            WHEN expected_node.kind = 'list' THEN node.type <> 'ARRAY'
            WHEN expected_node.kind = 'object' THEN node.type <> 'OBJECT'
            ELSE false
        END AS is_mistyped,
        CASE WHEN node.type = 'OBJECT' AND expected_node.kind = 'object' THEN json_keys(node.value) END AS names,
        len(list_filter(names, LAMBDA name: list_contains(expected_node.names_read, name)))
        > len(list_intersect(names, expected_node.names_read)) AS is_repetitive
    FROM node
    LEFT JOIN expected_node ON node.node_path = expected_node.path
    WHERE
        node.node_path = '$'
        OR node.parent_path IN (
            SELECT known.path FROM expected_node AS known WHERE known.kind IN ('object', 'list')
        )
)

SELECT line_number, fullkey, node_path, kind, is_mistyped, is_repetitive, left(value::VARCHAR, 200) AS sample
FROM judged
WHERE kind IS NULL OR is_mistyped OR is_repetitive;

CREATE OR REPLACE TEMP TABLE refused_in_part AS
WITH fault AS (
    SELECT line_number, reason FROM judged_line WHERE reason IS NOT NULL
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
            ELSE 'a whole number'
        END
    FROM odd_node
    WHERE is_mistyped
)

SELECT line_number, array_to_string(list(reason ORDER BY reason)[:5], '; ') AS reason
FROM fault
GROUP BY line_number;

INSERT INTO drift
SELECT getvariable('report'), node_path, count(*), min(sample)
FROM odd_node
WHERE kind IS NULL AND line_number NOT IN (SELECT refused.line_number FROM refused_in_part AS refused)
GROUP BY node_path;
