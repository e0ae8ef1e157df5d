-- Adds the lines of a load to later_line. Reads the variables lines, a Parquet file of its package's lines, and since
-- and until (NULL: no bound), the window of the load.
INSERT INTO later_line BY NAME
SELECT
    accession,
    version,
    update_date,
    version IS NOT NULL
    AND NOT (
        coalesce(update_date < getvariable('since')::DATE, false)
        OR coalesce(update_date >= getvariable('until')::DATE, false)
        OR (update_date IS NULL AND getvariable('until') IS NOT NULL)
    ) AS is_merged
FROM read_parquet(getvariable('lines'));
