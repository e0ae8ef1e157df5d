-- Sequences: Which sequences are new or revised since my last build?
-- Pass the time of that build to `mart.change_since`, here and below. A record is listed once, in its present version.
-- `has_new_letters` is false where only its metadata changed, so that an aligned sequence can stay. `virus-warehouse
-- fasta` with this query writes the sequences; recipe `withdrawn_records` lists those to remove.
SELECT
    genome.accession_version,
    arg_max(change.change, change.changed_at) AS change,
    max(change.changed_at)::DATE AS changed_on,
    letters.length,
    letters.loaded_at > TIMESTAMPTZ '2026-11-18 18:00:00+00' AS has_new_letters
FROM mart.change_since('2026-11-18 18:00:00+00') AS change
INNER JOIN virus_genome_distinct AS genome USING (accession)
INNER JOIN (
    SELECT accession_version, any_value(length) AS length, min(valid_from) AS loaded_at
    FROM virus_sequence
    WHERE molecule = 'genome'
    GROUP BY accession_version
) AS letters ON genome.accession_version = letters.accession_version
WHERE NOT change.is_first_load AND change.change IN ('new', 'revised', 'reinstated')
GROUP BY genome.accession_version, letters.length, letters.loaded_at
ORDER BY changed_on, genome.accession_version;
