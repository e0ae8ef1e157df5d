-- The segments of each isolate of a segmented virus.
--
-- Records belong to one isolate if they agree in virus, isolate name, country, collection date and submitter, since
-- names such as '12' are used by many. A record without isolate name stands alone. If records disagree, an isolate is
-- split and may look incomplete; two isolates are never merged into one that looks complete.
CREATE OR REPLACE VIEW mart.segment_completeness AS
WITH known AS (
    SELECT
        lineage.descendant_tax_id AS virus_tax_id,
        arg_min(fact.tax_id, lineage.depth) AS counted_tax_id,
        arg_min(fact.segments, lineage.depth) AS segments_expected
    FROM main.taxon_lineage AS lineage
    INNER JOIN mart.segment_count AS fact ON lineage.ancestor_tax_id = fact.tax_id
    GROUP BY lineage.descendant_tax_id
),

-- NCBI calls the single segment of some genomes ANONYMOUS.
genome AS (
    SELECT
        held.accession,
        held.virus_tax_id,
        held.virus_name,
        main.stated(held.isolate_name) AS isolate_name,
        held.country,
        held.collection_date,
        held.collection_date_min,
        held.collection_date_max,
        held.submitter_affiliation,
        held.biosample,
        nullif(held.segment, 'ANONYMOUS') AS segment,
        held.completeness,
        coalesce(known.counted_tax_id, 0) AS counted_tax_id,
        known.segments_expected
    FROM main.virus_genome_distinct AS held
    LEFT JOIN known USING (virus_tax_id)
    WHERE
        known.segments_expected > 1
        OR (known.segments_expected IS NULL AND nullif(held.segment, 'ANONYMOUS') IS NOT NULL)
),

spelled AS (
    SELECT DISTINCT
        counted_tax_id,
        segment,
        regexp_extract_all(
            regexp_replace(upper(segment), '(^|[^A-Z])(SEGMENT|SEG|V?RNA|GENE)', '\1 ', 'g'),
            '0*([A-Z0-9]+)',
            1
        ) AS words
    FROM genome
),

word AS (
    SELECT counted_tax_id, segment, words, unnest(words) AS spelling FROM spelled
),

-- A text can be read if all its words name the same segment; for unknown viruses it stays as it is.
reading AS (
    SELECT
        word.counted_tax_id,
        word.segment,
        CASE
            WHEN word.counted_tax_id = 0 THEN array_to_string(any_value(word.words), ' ')
            WHEN count(DISTINCT named.segment) = 1 AND count(named.segment) = count(*) THEN min(named.segment)
        END AS label,
        coalesce(min(named.numbering), 'settled') AS numbering,
        min(named.position) AS position
    FROM word
    LEFT JOIN mart.segment_spelling AS named
        ON word.counted_tax_id = named.tax_id AND word.spelling = named.spelling
    GROUP BY word.counted_tax_id, word.segment
),

piece AS (
    SELECT
        genome.virus_tax_id,
        genome.isolate_name,
        genome.country,
        genome.collection_date,
        genome.submitter_affiliation,
        CASE WHEN genome.isolate_name IS NULL THEN genome.accession END AS lone_accession,
        reading.label,
        min(reading.numbering) AS numbering,
        min(reading.position) AS position,
        bool_or(genome.completeness = 'COMPLETE') AS is_declared_complete,
        min(genome.virus_name) AS virus_name,
        min(genome.collection_date_min) AS collection_date_min,
        max(genome.collection_date_max) AS collection_date_max,
        min(genome.segments_expected) AS segments_expected,
        count(*) AS records,
        list(genome.accession) AS accessions,
        list(genome.biosample) FILTER (genome.biosample IS NOT NULL) AS biosamples,
        list(DISTINCT genome.segment) FILTER (genome.segment IS NOT NULL) AS spellings
    FROM genome
    LEFT JOIN reading
        ON genome.counted_tax_id = reading.counted_tax_id AND genome.segment = reading.segment
    GROUP BY ALL
),

isolate AS (
    SELECT
        virus_tax_id,
        min(virus_name) AS virus_name,
        isolate_name,
        country,
        collection_date,
        min(collection_date_min) AS collection_date_min,
        max(collection_date_max) AS collection_date_max,
        submitter_affiliation,
        list(label ORDER BY position, label) FILTER (label IS NOT NULL) AS segments,
        -- Where numbers and names cannot be matched, the larger count is certain.
        count(*) FILTER (label IS NOT NULL AND numbering = 'settled')
        + greatest(
            count(*) FILTER (label IS NOT NULL AND numbering = 'number'),
            count(*) FILTER (label IS NOT NULL AND numbering = 'name')
        ) AS segments_found,
        count(*) FILTER (label IS NOT NULL AND numbering = 'settled' AND is_declared_complete)
        + greatest(
            count(*) FILTER (label IS NOT NULL AND numbering = 'number' AND is_declared_complete),
            count(*) FILTER (label IS NOT NULL AND numbering = 'name' AND is_declared_complete)
        ) AS segments_declared_complete,
        min(segments_expected) AS segments_expected,
        sum(records)::BIGINT AS records,
        coalesce(sum(records) FILTER (label IS NULL), 0)::BIGINT AS records_unread,
        list_sort(flatten(list(spellings) FILTER (label IS NULL AND spellings IS NOT NULL))) AS spellings_unread,
        list_sort(flatten(list(accessions))) AS accessions,
        list_sort(list_distinct(flatten(list(biosamples) FILTER (biosamples IS NOT NULL)))) AS biosamples
    FROM piece
    GROUP BY virus_tax_id, isolate_name, country, collection_date, submitter_affiliation, lone_accession
)

SELECT
    virus_tax_id,
    coalesce(virus.name, isolate.virus_name) AS virus_name,
    isolate_name,
    country,
    collection_date,
    collection_date_min,
    collection_date_max,
    submitter_affiliation,
    coalesce(segments, []) AS segments,
    segments_found,
    segments_declared_complete,
    segments_expected,
    CASE
        WHEN segments_found >= segments_expected THEN true
        WHEN segments_found + records_unread < segments_expected THEN false
    END AS is_complete,
    records,
    records_unread,
    coalesce(spellings_unread, []) AS spellings_unread,
    accessions,
    coalesce(biosamples, []) AS biosamples
FROM isolate
LEFT JOIN main.taxon AS virus ON isolate.virus_tax_id = virus.tax_id;

COMMENT ON VIEW mart.segment_completeness IS
'An isolate of a segmented virus, and its segments. Records belong to one isolate if they agree in virus, isolate '
'name, country, collection date and submitter; one without isolate name stands alone. Unsegmented viruses are not '
'listed; of viruses unknown to segment_count, only records that state a segment. Each record counts once, however '
'many sources have it; withdrawn ones do not, missing ones still do';
COMMENT ON COLUMN mart.segment_completeness.virus_tax_id IS 'NCBI Taxonomy ID of the virus; joins taxon, taxon_lineage';
COMMENT ON COLUMN mart.segment_completeness.virus_name IS 'Current scientific name of the virus';
COMMENT ON COLUMN mart.segment_completeness.isolate_name IS
'Name of the isolate; NULL if none is stated; the record then stands alone';
COMMENT ON COLUMN mart.segment_completeness.country IS
'Country or sea of collection; NULL if none is known';
COMMENT ON COLUMN mart.segment_completeness.collection_date IS 'Collection date as submitted, of any precision';
COMMENT ON COLUMN mart.segment_completeness.collection_date_min IS 'Earliest possible day of collection';
COMMENT ON COLUMN mart.segment_completeness.collection_date_max IS 'Latest possible day of collection';
COMMENT ON COLUMN mart.segment_completeness.submitter_affiliation IS
'Institution of the submitters; the same name from two institutions is two isolates';
COMMENT ON COLUMN mart.segment_completeness.segments IS
'The segments found, in order, named as in segment_spelling; for unknown viruses, as spelled without the word '
'segment or RNA';
COMMENT ON COLUMN mart.segment_completeness.segments_found IS
'Different segments with a record, complete or partial. Where the numbering of a taxon''s segments is ambiguous, the '
'larger of the counts of numbers and names';
COMMENT ON COLUMN mart.segment_completeness.segments_declared_complete IS
'Of these, those with a record declared COMPLETE by its submitter';
COMMENT ON COLUMN mart.segment_completeness.segments_expected IS
'Segments of a whole genome; NULL if unknown to segment_count';
COMMENT ON COLUMN mart.segment_completeness.is_complete IS
'Whether every segment has a record; NULL if the number is unknown, or if records with an unreadable segment might '
'be the missing ones';
COMMENT ON COLUMN mart.segment_completeness.records IS 'Nucleotide records of the isolate';
COMMENT ON COLUMN mart.segment_completeness.records_unread IS
'Of these, those whose segment is not stated or cannot be read';
COMMENT ON COLUMN mart.segment_completeness.spellings_unread IS 'The segments that those state, as spelled';
COMMENT ON COLUMN mart.segment_completeness.accessions IS 'Accessions of the records; join virus_genome_distinct';
COMMENT ON COLUMN mart.segment_completeness.biosamples IS
'BioSamples of the records; several if the isolate was sampled, or passaged, more than once';
