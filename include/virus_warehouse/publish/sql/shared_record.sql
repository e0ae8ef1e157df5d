-- An empty ops.shared_record, and the view virus_genome_distinct, which reads it instead of comparing all records.
CREATE OR REPLACE TABLE ops.shared_record (
    accession VARCHAR NOT NULL,
    sources VARCHAR[] NOT NULL,
    latest_source VARCHAR NOT NULL
);
COMMENT ON TABLE ops.shared_record IS 'A record that several followed sources hold';
COMMENT ON COLUMN ops.shared_record.accession IS 'INSDC accession, without version';
COMMENT ON COLUMN ops.shared_record.sources IS 'Names of the sources that hold the record';
COMMENT ON COLUMN ops.shared_record.latest_source IS 'The source that has its latest state';

CREATE OR REPLACE VIEW virus_genome_distinct AS
SELECT held.* EXCLUDE (source), coalesce(shared.sources, [held.source]) AS sources
FROM main.virus_genome AS held
LEFT JOIN ops.shared_record AS shared USING (accession)
WHERE
    held.source NOT IN (SELECT status.source FROM ops.source_status AS status WHERE status.status = 'not followed')
    AND coalesce(held.source = shared.latest_source, true);

COMMENT ON VIEW virus_genome_distinct IS
'A current nucleotide record of NCBI, once however many sources have it; sources no longer followed are left out';
COMMENT ON COLUMN virus_genome_distinct.sources IS 'Names of the sources that hold the record';
