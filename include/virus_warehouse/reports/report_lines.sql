-- The lines of a report as `report_file.describe_lines` wrote them to description_path -> report_lines().
-- Made when that is set: DuckDB looks for the file's name at once.
CREATE OR REPLACE TEMP MACRO report_lines() AS TABLE
SELECT *
FROM read_json(
    getvariable('description_path'),
    format = 'newline_delimited', maximum_object_size = 67108864,
    columns = { line_number: 'BIGINT', raw: 'VARCHAR', raw_sha256: 'VARCHAR', refusal: 'VARCHAR' }
);
