-- Genome sequences that several present records have, letter for letter.
CREATE OR REPLACE VIEW mart.identical_sequence AS
WITH letters AS (
    SELECT accession_version, arg_max(sha256, valid_from) AS sha256
    FROM ops.sequence
    WHERE molecule = 'genome' AND valid_to IS NULL
    GROUP BY accession_version
),

shared AS (
    SELECT
        letters.sha256,
        count(*) AS records,
        list(genome.accession ORDER BY genome.accession) AS accessions,
        list_sort(list_distinct(flatten(list(genome.sources)))) AS sources,
        coalesce(
            list(DISTINCT coalesce(virus.name, genome.virus_name) ORDER BY coalesce(virus.name, genome.virus_name))
                FILTER (coalesce(virus.name, genome.virus_name) IS NOT NULL),
            []
        ) AS virus_names,
        coalesce(
            list(DISTINCT genome.country ORDER BY genome.country) FILTER (genome.country IS NOT NULL),
            []
        ) AS countries,
        min(genome.collection_date_min) AS collection_date_min,
        max(genome.collection_date_max) AS collection_date_max
    FROM main.virus_genome_distinct AS genome
    INNER JOIN letters USING (accession_version)
    LEFT JOIN main.taxon AS virus ON genome.virus_tax_id = virus.tax_id
    GROUP BY letters.sha256
    HAVING count(*) > 1
)

SELECT
    lower(hex(shared.sha256)) AS sequence_sha256,
    held.length,
    held.ambiguous / held.length AS ambiguous_share,
    shared.* EXCLUDE (sha256)
FROM shared
LEFT JOIN ops.sequence_letters AS held USING (sha256);

COMMENT ON VIEW mart.identical_sequence IS
'A genome sequence that more than one record has, letter for letter, with these records. Each record counts once, '
'however many sources have it; withdrawn ones do not, missing ones still do. Records without a sequence are not '
'compared. Equal letters in part of a longer sequence are not found';
COMMENT ON COLUMN mart.identical_sequence.sequence_sha256 IS
'SHA-256 of the letters, in hexadecimal; joins virus_sequence';
COMMENT ON COLUMN mart.identical_sequence.length IS 'Number of letters';
COMMENT ON COLUMN mart.identical_sequence.ambiguous_share IS
'Share of the letters, 0 to 1, that stand for several possible bases, such as N, or for a gap';
COMMENT ON COLUMN mart.identical_sequence.records IS 'Records with these letters, at least 2';
COMMENT ON COLUMN mart.identical_sequence.accessions IS 'Accessions of the records; join virus_genome_distinct';
COMMENT ON COLUMN mart.identical_sequence.sources IS 'Names of the sources that have any of the records';
COMMENT ON COLUMN mart.identical_sequence.virus_names IS
'Current scientific names of the viruses: usually one, more where records are assigned to different taxa';
COMMENT ON COLUMN mart.identical_sequence.countries IS
'Countries and seas of collection; records without one add none';
COMMENT ON COLUMN mart.identical_sequence.collection_date_min IS
'Earliest possible day of collection of any of the records; NULL if none has a readable date';
COMMENT ON COLUMN mart.identical_sequence.collection_date_max IS
'Latest possible day of collection of any of the records; NULL if none has a readable date';
