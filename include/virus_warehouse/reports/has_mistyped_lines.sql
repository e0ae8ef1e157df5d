-- Whether any line of a report that reads without an error holds a value of another kind than expected: DuckDB's
-- reader takes a number where a text is meant, and may round it.
-- Reads the variable report_path, and what line_macros.sql reads.
SELECT count(*) > 0
FROM (
    SELECT json
    FROM read_ndjson_objects(getvariable('report_path'), maximum_object_size = 16777216)
    WHERE len(mistyped_fields(json)) > 0
    LIMIT 1
);
