-- Some lines of a report as `report_file.describe_lines` wrote them to description_path -> report_line.
CREATE OR REPLACE TEMP TABLE report_line AS
SELECT * FROM read_json(
    getvariable('description_path'),
    format = 'newline_delimited', maximum_object_size = 67108864,
    columns = { line_number: 'BIGINT', raw: 'VARCHAR', raw_sha256: 'VARCHAR', refusal: 'VARCHAR', folded: 'VARCHAR' }
);
