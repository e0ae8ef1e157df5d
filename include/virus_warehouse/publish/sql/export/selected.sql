-- The records of an export, each once -> selected. Reads the Parquet file `keys`, with source and accession of the
-- chosen ones, and `source`, the only source that was asked for, or NULL.
-- Of several sources that hold a record, the same one counts as in virus_genome_distinct; sources that are no longer
-- followed are exported only where they are asked for.
CREATE OR REPLACE TEMP TABLE selected AS
WITH wanted AS (
    SELECT
        accession,
        first(source ORDER BY version DESC, update_date DESC NULLS LAST, valid_from DESC, source) AS source
    FROM main.virus_genome
    SEMI JOIN read_parquet(getvariable('keys')) USING (source, accession)
    WHERE
        getvariable('source') IS NOT NULL
        OR source NOT IN (SELECT status.source FROM ops.source_status AS status WHERE status.status = 'not followed')
    GROUP BY accession
)

FROM main.virus_genome
SEMI JOIN wanted USING (source, accession);

-- A text for a TSV file, whose readers know no line end or tab within a value.
CREATE OR REPLACE TEMP MACRO one_line(value) AS trim(regexp_replace(value, '[[:cntrl:]]+', ' ', 'g'));
