-- Why each of some lines of a part is refused, whatever is read of it -> refused_in_part. Reads report_line, and what
-- line_macros.sql reads. A field counts as repeated or mistyped wherever DuckDB's strict reader would stop at it: the
-- good lines go through that reader afterwards.
CREATE OR REPLACE TEMP TABLE refused_in_part AS
WITH judged AS (
    SELECT
        line_number,
        raw,
        raw_sha256,
        no_object(refusal, raw) AS refusal
    FROM report_line
),

object AS (
    SELECT line_number, mistyped_fields(raw) AS mistyped, objects_with_repeated_names(raw) AS repeated
    FROM judged
    WHERE refusal IS NULL
)

SELECT
    judged.line_number,
    coalesce(
        judged.refusal,
        nullif(array_to_string(list_transform(
            object.repeated, LAMBDA found: found[1] || ': a field is given twice'
        ), '; '), ''),
        nullif(array_to_string(list_transform(
            object.mistyped,
            LAMBDA field: field.path[3:] || ': ' || left(field.value::VARCHAR, 80) || ' is not ' || field.kind
        ), '; '), '')
    ) AS reason,
    judged.raw,
    judged.raw_sha256
FROM judged
LEFT JOIN object USING (line_number)
WHERE reason IS NOT NULL;
