-- The sequences of the selected records -> fasta_found. Reads the variable molecule and
-- fasta_selected(row_number, accession_version, accession, sequence_id): either of the accessions may be NULL. One
-- without version means its present version, or its last one if there is none. Without sequence_id, all sequences of
-- the record are meant. Sources may differ: then the newest version counts, with the letters that were loaded last.
CREATE OR REPLACE TEMP TABLE fasta_found AS
WITH described AS (
    SELECT
        accession,
        accession_version,
        sequence_id,
        header,
        sha256,
        valid_from,
        coalesce(try_cast(split_part(accession_version, '.', 2) AS BIGINT), 0) AS version,
        coalesce(try_cast(regexp_extract(sequence_id, ':c?(\d+)', 1) AS BIGINT), 0) AS begins_at
    FROM ops.sequence
    WHERE molecule = getvariable('molecule') AND valid_to IS NULL
),

meant AS (
    SELECT
        selected.row_number,
        selected.sequence_id,
        coalesce(
            selected.accession_version,
            arg_max(present.accession_version, present.version),
            arg_max(described.accession_version, described.version)
        ) AS accession_version
    FROM fasta_selected AS selected
    LEFT JOIN main.virus_genome AS present
        ON selected.accession_version IS NULL AND selected.accession = present.accession
    LEFT JOIN described
        ON selected.accession_version IS NULL AND selected.accession = described.accession
    GROUP BY selected.row_number, selected.sequence_id, selected.accession_version
)

SELECT
    meant.row_number,
    described.accession,
    described.accession_version,
    described.sequence_id,
    any_value(described.begins_at) AS begins_at,
    unnest(
        arg_max(struct_pack(described.header, held.part, held.position, held.length), described.valid_from)
    )
FROM meant
INNER JOIN described
    ON
        meant.accession_version = described.accession_version
        AND coalesce(meant.sequence_id = described.sequence_id, true)
INNER JOIN ops.sequence_letters AS held ON described.sha256 = held.sha256
GROUP BY meant.row_number, described.accession, described.accession_version, described.sequence_id;
