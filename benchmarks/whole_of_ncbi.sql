-- Copies the records, the runs and their reports of the source `bench` as further sources, source_00 and so on: each
-- has as many records, with accessions of its own. Reads the variables first and last, the numbers of the sources.
CREATE OR REPLACE TEMP TABLE further AS
SELECT
    format('source_{:02d}', number) AS source,
    format('_{:03d}', number) AS ending,
    'run-' || number AS run_id
FROM (SELECT unnest(range(getvariable('first'), getvariable('last') + 1)) AS number);

INSERT INTO virus_genome BY NAME
SELECT
    genome.* REPLACE (
        further.source AS source,
        genome.accession || further.ending AS accession,
        genome.accession || further.ending || '.' || genome.version AS accession_version,
        hash(genome.record_hash, further.source) AS record_hash,
        further.run_id AS run_id
    )
FROM virus_genome AS genome CROSS JOIN further
WHERE genome.source = 'bench'
ORDER BY further.source;

INSERT INTO ops.ingest_run BY NAME
SELECT run.* REPLACE (further.source AS source, further.run_id AS run_id, NULL AS package_path)
FROM ops.ingest_run AS run CROSS JOIN further
WHERE run.source = 'bench';

INSERT INTO ops.ingest_report BY NAME
SELECT report.* REPLACE (further.source AS source, further.run_id AS run_id)
FROM ops.ingest_report AS report CROSS JOIN further
WHERE report.source = 'bench';
