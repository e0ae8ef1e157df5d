-- Why each line of a report that is not all readable is refused -> refused_line(line_number, reason, raw, raw_sha256).
-- Reads the lines as `report_file.describe_lines` wrote them to description_path, expected_field(path, kind) and
-- expected_object(path, names). A field counts as repeated or mistyped wherever DuckDB's strict reader would stop at
-- it: the good lines go through that reader afterwards.
CREATE OR REPLACE TEMP TABLE report_line AS
SELECT * FROM read_json(
    getvariable('description_path'),
    format = 'newline_delimited', maximum_object_size = 67108864,
    columns = { line_number: 'BIGINT', raw: 'VARCHAR', raw_sha256: 'VARCHAR', refusal: 'VARCHAR' }
);

CREATE OR REPLACE TEMP TABLE refused_line AS
WITH judged AS (
    SELECT
        line_number,
        raw,
        raw_sha256,
        CASE
            WHEN refusal IS NOT NULL THEN refusal
            WHEN NOT json_valid(raw) THEN 'not JSON, or more than one value on the line'
            WHEN json_type(raw) <> 'OBJECT' THEN 'not a JSON object but ' || json_type(raw)
        END AS refusal
    FROM report_line
),

repeated AS (
    SELECT
        line_number,
        string_agg(path || ': a field is given twice', '; ' ORDER BY path) AS refusal
    FROM (
        SELECT
            judged.line_number,
            expected_object.path,
            list_intersect(expected_object.names, json_keys(judged.raw, expected_object.path)) AS given_once,
            list_filter(
                json_keys(judged.raw, expected_object.path), LAMBDA name: list_contains(expected_object.names, name)
            ) AS given
        FROM judged CROSS JOIN expected_object
        WHERE judged.refusal IS NULL
    )
    WHERE len(given) > len(given_once)
    GROUP BY line_number
),

mistyped AS (
    SELECT
        judged.line_number,
        string_agg(
            substr(expected_field.path, 3) || ': ' || left(json_extract(judged.raw, expected_field.path)::VARCHAR, 80)
            || ' is not ' || expected_field.kind,
            '; ' ORDER BY expected_field.path
        ) AS refusal
    FROM judged CROSS JOIN expected_field
    WHERE
        judged.refusal IS NULL
        AND json_type(judged.raw, expected_field.path) <> 'NULL'
        AND CASE expected_field.kind
            -- As text the reader takes a plain number, and not 1e3 or +5, which a cast would.
            WHEN 'BIGINT' THEN
                try_cast(json_extract_string(judged.raw, expected_field.path) AS BIGINT) IS NULL
                OR NOT coalesce(regexp_full_match(judged.raw ->> expected_field.path, '-?\d+'), false)
                AND json_type(judged.raw, expected_field.path) = 'VARCHAR'
            WHEN 'BOOLEAN' THEN
                try_cast(json_extract_string(judged.raw, expected_field.path) AS BOOLEAN) IS NULL
                OR lower(judged.raw ->> expected_field.path) NOT IN ('true', 'false')
                AND json_type(judged.raw, expected_field.path) = 'VARCHAR'
            ELSE json_type(judged.raw, expected_field.path) <> expected_field.kind
        END
    GROUP BY judged.line_number
)

SELECT
    judged.line_number,
    coalesce(judged.refusal, repeated.refusal, mistyped.refusal) AS reason,
    judged.raw,
    judged.raw_sha256
FROM judged
LEFT JOIN repeated USING (line_number)
LEFT JOIN mistyped USING (line_number)
WHERE reason IS NOT NULL;
