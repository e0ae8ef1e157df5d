-- The names in some good lines that NCBI is not known to give -> drift. An unknown object is
-- told once, by its own path; the sample shows what is in it. Of a line's unknown names the first hundred are looked
-- at, of these lines' the thousand commonest told: what has more is no report that NCBI has changed, and each name
-- costs a look at the line.
-- Reads the variable report, report_line, refused_in_part, and what line_macros.sql reads.
INSERT INTO drift
WITH line AS (
    SELECT raw, unnest(unknown_names(raw)[:100]) AS unknown
    FROM report_line ANTI JOIN refused_in_part USING (line_number)
),

found AS (
    SELECT unknown.path AS path, json_extract(raw, unknown.pointer)::VARCHAR AS value FROM line
)

SELECT
    getvariable('report') AS report,
    left(path, 1000) AS path,
    count(*) AS occurrences,
    left(min(value), 200) AS sample
FROM found
GROUP BY ALL
ORDER BY occurrences DESC, path
LIMIT 1000;
