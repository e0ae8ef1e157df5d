-- Holds the FASTA entries against the lines of the data report -> sequence_entry, reported_genome.
-- Reads fasta_entry and data_report. A genome and its coding regions name their record; a protein names only itself, so
-- its record is looked up in the annotation, during the merge.
CREATE OR REPLACE TEMP TABLE reported_genome AS
SELECT accession, accession_version, arg_max(length, line_number) AS length
FROM data_report
GROUP BY accession, accession_version;

CREATE OR REPLACE TEMP TABLE sequence_entry AS
WITH named AS (
    SELECT
        *,
        nullif(regexp_extract(header, '^\S+'), '') AS sequence_id,
        CASE WHEN molecule <> 'protein' THEN split_part(sequence_id, ':', 1) END AS accession_version,
        split_part(accession_version, '.', 1) AS accession,
        -- Such as 266-13468,13468-21555, or c805-266 on the other strand. Numbers of no genome count as 0.
        list_sum(list_transform(
            regexp_extract_all(split_part(sequence_id, ':', 2), '\d+-\d+'),
            LAMBDA part: coalesce(
                abs(
                    try_cast(split_part(part, '-', 2) AS INTEGER)::BIGINT
                    - try_cast(split_part(part, '-', 1) AS INTEGER)
                ) + 1,
                0
            )
        )) AS length_of_ranges
    FROM fasta_entry
),

first_of_name AS (
    SELECT molecule, sequence_id, arg_min(sha256, entry_number) AS sha256
    FROM named
    GROUP BY molecule, sequence_id
),

other_version AS (
    SELECT accession, arg_max(accession_version, length(accession_version)) AS accession_version
    FROM reported_genome
    GROUP BY accession
)

SELECT
    named.molecule,
    named.entry_number,
    named.header,
    named.sequence_id,
    named.accession,
    named.accession_version,
    named.length,
    named.ambiguous,
    named.sha256,
    named.letters_offset,
    named.molecule <> 'protein'
    AND named.fault IS NULL
    AND coalesce(regexp_full_match(named.accession_version, '[A-Za-z0-9_]+\.[0-9]+'), false)
    AND other_version.accession IS NULL AS is_orphaned,
    -- Why the entry does not fit its record; NULL where it does.
    CASE
        WHEN named.fault IS NOT NULL THEN named.fault
        WHEN is_orphaned THEN 'no line in the data report'
        WHEN named.molecule <> 'protein' AND other_version.accession IS NULL THEN 'no accession.version in the header'
        WHEN named.molecule <> 'protein' AND reported_genome.accession IS NULL
            THEN concat('the data report has ', other_version.accession_version)
        WHEN named.molecule = 'genome' AND named.length <> reported_genome.length
            THEN concat('length: ', reported_genome.length, ' in the data report, ', named.length, ' in the FASTA file')
        WHEN named.length <> named.length_of_ranges
            THEN concat('length: ', named.length_of_ranges, ' by its ranges, ', named.length, ' in the FASTA file')
        WHEN named.sha256 <> first_of_name.sha256 THEN 'other letters than an earlier entry of the same name'
    END AS reason
FROM named
LEFT JOIN first_of_name USING (molecule, sequence_id)
LEFT JOIN reported_genome USING (accession_version)
LEFT JOIN other_version ON named.accession = other_version.accession;
