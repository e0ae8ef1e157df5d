-- The records held of a source that a full package does not list -> absent(accession). Reads the variable source.
-- A line that could not be read, but names its accession, lists it.
CREATE OR REPLACE TEMP TABLE absent AS
WITH listed AS (
    SELECT accession FROM data_report
    UNION ALL
    SELECT split_part(json_extract_string(raw, '$.accession'), '.', 1) FROM refused_line WHERE json_valid(raw)
)

SELECT held.accession
FROM warehouse.main.virus_genome AS held
ANTI JOIN listed USING (accession)
WHERE held.source = getvariable('source');
