-- Each record once, however many sources follow it: in its latest state, with the sources that hold it.
CREATE OR REPLACE VIEW virus_genome_distinct AS
SELECT
    * EXCLUDE (source),
    (
        SELECT list(holder.source ORDER BY holder.source)
        FROM virus_genome AS holder
        WHERE holder.accession = latest.accession
    ) AS sources
FROM virus_genome AS latest
QUALIFY row_number() OVER (
    PARTITION BY accession ORDER BY version DESC, update_date DESC NULLS LAST, valid_from DESC, source
) = 1;

COMMENT ON VIEW virus_genome_distinct IS 'A nucleotide record that NCBI shows now, once however many sources follow it';
COMMENT ON COLUMN virus_genome_distinct.sources IS 'Names of the sources that hold the record';
