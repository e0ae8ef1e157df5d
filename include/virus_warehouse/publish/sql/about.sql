-- The snapshot's description of itself -> _about. Reads the variables publication_id and previous_publication_id;
-- loaded_until, the commit time of the warehouse's newest run; lake_id and lake_version, the state of a lake that it is
-- a copy of; virus_warehouse_version, duckdb_version and python_version.
CREATE OR REPLACE TABLE _about AS
WITH committed AS (
    FROM ops.ingest_run WHERE status = 'success'
),

last_of_source AS (
    SELECT *, count(*) OVER (PARTITION BY source) AS runs
    FROM committed
    QUALIFY row_number() OVER (PARTITION BY source ORDER BY ended_at DESC) = 1
),

counted AS (
    SELECT source, 'virus_genome' AS name, count(*) AS counted FROM virus_genome GROUP BY source
    UNION ALL
    SELECT source, 'virus_genome_history', count(*) FROM virus_genome_history GROUP BY source
    UNION ALL
    SELECT source, 'virus_annotation', count(*) FROM virus_annotation GROUP BY source
    UNION ALL
    SELECT source, 'virus_gene', count(*) FROM virus_gene GROUP BY source
    UNION ALL
    SELECT source, 'virus_protein', count(*) FROM virus_protein GROUP BY source
    UNION ALL
    SELECT source, 'biosample', count(*) FROM biosample GROUP BY source
    UNION ALL
    SELECT source, 'biosample_attribute', count(*) FROM biosample_attribute GROUP BY source
    UNION ALL
    SELECT NULL, 'taxon', count(*) FROM taxon
    UNION ALL
    SELECT NULL, 'taxon_lineage', count(*) FROM taxon_lineage
),

fact AS (
    SELECT
        1 AS place,
        'snapshot' AS topic,
        NULL::VARCHAR AS source,
        unnest([
            'publication_id',
            'previous_publication_id',
            'made_at',
            'loaded_until',
            'lake_id',
            'lake_version',
            'last_run_id',
            'last_run_ended_at',
            'runs'
        ]) AS name,
        unnest([
            getvariable('publication_id')::VARCHAR,
            getvariable('previous_publication_id')::VARCHAR,
            strftime(now(), '%Y-%m-%dT%H:%M:%SZ'),
            getvariable('loaded_until')::VARCHAR,
            getvariable('lake_id')::VARCHAR,
            getvariable('lake_version')::VARCHAR,
            max_by(run_id, ended_at),
            strftime(max(ended_at), '%Y-%m-%dT%H:%M:%SZ'),
            count(*)::VARCHAR
        ]) AS value
    FROM committed

    UNION ALL

    SELECT
        2,
        'run',
        source,
        unnest(['run_id', 'mode', 'requested_at', 'ended_at', 'watermark', 'fingerprint', 'runs']),
        unnest([
            run_id,
            mode,
            strftime(requested_at, '%Y-%m-%dT%H:%M:%SZ'),
            strftime(ended_at, '%Y-%m-%dT%H:%M:%SZ'),
            watermark::VARCHAR,
            fingerprint,
            runs::VARCHAR
        ])
    FROM last_of_source

    UNION ALL

    SELECT 3, 'count', source, name, counted::VARCHAR FROM counted

    UNION ALL

    SELECT 4, 'version', NULL, 'schema_revision', version_num FROM ops.alembic_version

    UNION ALL

    SELECT
        4,
        'version',
        NULL,
        unnest(['virus_warehouse', 'duckdb', 'python']),
        unnest([
            getvariable('virus_warehouse_version'), getvariable('duckdb_version'), getvariable('python_version')
        ])

    UNION ALL

    SELECT 5, 'held back', source, 'since', strftime(held_back_since, '%Y-%m-%dT%H:%M:%SZ')
    FROM ops.source_status
    WHERE held_back_since IS NOT NULL

    UNION ALL

    SELECT 6, 'citation', NULL, unnest(cite.name), unnest(cite.value)
    FROM (
        SELECT
            [
                'records',
                'INSDC',
                'INSDC policy',
                'NCBI policy',
                'NCBI Datasets',
                'NCBI Virus',
                'snapshot'
            ] AS name,
            [
                'Cite the accession.version of every record used for a result, and credit its submitters '
                || '(virus_genome.submitter_names), who did the work.',
                'Records are of the International Nucleotide Sequence Database Collaboration (DDBJ, ENA, GenBank): '
                || 'https://www.insdc.org. RefSeq records are NCBI''s own.',
                'Access to all records is free and unrestricted; credit is due to their submitters: '
                || 'https://www.insdc.org/policy/',
                'NCBI places no restrictions on use or distribution; a submitter may hold rights that NCBI cannot '
                || 'grant: https://www.ncbi.nlm.nih.gov/home/about/policies/',
                'O''Leary NA et al. (2024) Exploring and retrieving sequence and metadata for species across the tree '
                || 'of life with NCBI Datasets. Scientific Data 11:732. https://doi.org/10.1038/s41597-024-03571-y',
                'Hatcher EL et al. (2017) Virus Variation Resource - improved response to emergent viral outbreaks. '
                || 'Nucleic Acids Research 45:D482-D490. https://doi.org/10.1093/nar/gkw1065',
                'State when the snapshot was made and its last run: NCBI changes, this file does not.'
            ] AS value
    ) AS cite
)

SELECT topic, source, name, value
FROM fact
WHERE value IS NOT NULL
ORDER BY place, source NULLS FIRST, name;

COMMENT ON TABLE _about IS 'A fact about this snapshot: where its rows come from, and how to cite them';
COMMENT ON COLUMN _about.topic IS
'snapshot, run (a source''s last), count (of rows), version, held back (a source, since when), citation, change (since '
'the snapshot before), finding, or answer (of a person to a finding)';
COMMENT ON COLUMN _about.source IS 'Name of the source in sources.yaml; NULL for the entire snapshot';
COMMENT ON COLUMN _about.name IS
'Name of the fact: the table of a count, the gate of a finding or answer, the kind of a change';
COMMENT ON COLUMN _about.value IS 'As text: times in ISO 8601 and UTC, findings with their outcomes';
