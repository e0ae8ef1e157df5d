-- Records as augur and Nextstrain's workflows read them, one row each, and the file of the sequence -> augur_record.
-- Reads `selected`. There are no double quotes in it: augur's readers would take them for quoting.
CREATE OR REPLACE TEMP MACRO plain(value) AS replace(one_line(value), '"', '''');

-- A day, or with XX for what is not known; a range that is neither month nor year as augur writes one.
CREATE OR REPLACE TEMP MACRO augur_date(first, last) AS CASE
    WHEN first IS NULL OR last IS NULL THEN 'XXXX-XX-XX'
    WHEN first = last THEN strftime(first, '%Y-%m-%d')
    WHEN day(first) = 1 AND last = last_day(first) THEN strftime(first, '%Y-%m-XX')
    WHEN dayofyear(first) = 1 AND last = make_date(year(first), 12, 31) THEN strftime(first, '%Y-XX-XX')
    ELSE strftime(first, '%Y-%m-%d') || '/' || strftime(last, '%Y-%m-%d')
END;

-- The words of a segment's name, without those that say only that it is a segment.
CREATE OR REPLACE TEMP MACRO segment_words(segment) AS regexp_extract_all(
    regexp_replace(upper(segment), '(^|[^A-Z])(SEGMENT|SEG|V?RNA|GENE)', '\1 ', 'g'), '0*([A-Z0-9]+)', 1
);

-- Each segment as mart.segment_spelling names it, where all words name the same one, else its words.
CREATE OR REPLACE TEMP TABLE segment_label AS
WITH counted AS (
    SELECT lineage.descendant_tax_id AS virus_tax_id, arg_min(fact.tax_id, lineage.depth) AS counted_tax_id
    FROM main.taxon_lineage AS lineage
    INNER JOIN mart.segment_count AS fact ON lineage.ancestor_tax_id = fact.tax_id
    GROUP BY lineage.descendant_tax_id
),

spelled AS (
    SELECT DISTINCT
        selected.virus_tax_id,
        selected.segment,
        counted.counted_tax_id,
        segment_words(selected.segment) AS words
    FROM selected
    LEFT JOIN counted USING (virus_tax_id)
    WHERE selected.segment <> 'ANONYMOUS'
),

word AS (
    SELECT virus_tax_id, segment, words, counted_tax_id, unnest(words) AS spelling FROM spelled
)

SELECT
    word.virus_tax_id,
    word.segment,
    CASE
        WHEN count(DISTINCT named.segment) = 1 AND count(named.segment) = count(*) THEN min(named.segment)
        ELSE array_to_string(any_value(word.words), '_')
    END AS label
FROM word
LEFT JOIN mart.segment_spelling AS named
    ON word.counted_tax_id = named.tax_id AND word.spelling = named.spelling
GROUP BY word.virus_tax_id, word.segment;

CREATE OR REPLACE TEMP TABLE augur_record AS
WITH named AS (
    SELECT
        accession,
        nullif(
            trim(regexp_replace(stated(isolate_name), '[^\pL\pN_./+=~@-]+', '_', 'g'), '_'), ''
        ) AS isolate
    FROM selected
),

-- Names with an accession end in the accession, after the last slash: no two are the same.
taken AS (
    SELECT accession AS name FROM named
    UNION
    SELECT isolate || '/' || accession AS name FROM named WHERE isolate IS NOT NULL
),

strain AS (
    SELECT
        named.accession,
        CASE
            WHEN named.isolate IS NULL THEN named.accession
            WHEN taken.name IS NOT NULL OR count(*) OVER (PARTITION BY named.isolate) > 1
                THEN named.isolate || '/' || named.accession
            ELSE named.isolate
        END AS strain
    FROM named
    LEFT JOIN taken ON named.isolate = taken.name
)

SELECT
    strain.strain,
    selected.accession,
    selected.accession_version,
    augur_date(selected.collection_date_min, selected.collection_date_max) AS date,
    plain(selected.geo_region) AS region,
    selected.country,
    plain(selected.division) AS division,
    plain(regexp_extract(selected.geo_location, '^[^:]*:[^:,]*[:,](.*)$', 1, 's')) AS location,
    plain(selected.host_name) AS host,
    plain(coalesce(virus.name, selected.virus_name)) AS virus,
    plain(selected.pango_lineage) AS lineage,
    segment_label.label AS segment,
    selected.length,
    selected.completeness,
    selected.is_lab_host,
    selected.is_vaccine_strain,
    plain(selected.isolate_name) AS isolate,
    plain(selected.isolate_source) AS sample_type,
    plain(array_to_string(selected.submitter_names, ', ')) AS authors,
    plain(
        split_part(selected.submitter_names[1], ',', 1)
        || CASE WHEN len(selected.submitter_names) > 1 THEN ' et al.' ELSE '' END
    ) AS abbr_authors,
    plain(selected.submitter_affiliation) AS institution,
    plain(selected.submitter_country) AS submitter_country,
    selected.release_date AS date_released,
    selected.update_date AS date_updated,
    selected.source_database AS database,
    'https://www.ncbi.nlm.nih.gov/nuccore/' || selected.accession_version AS url,
    plain(selected.geo_location) AS geo_loc_name,
    selected.virus_tax_id,
    selected.host_tax_id,
    selected.biosample AS biosample_accessions,
    array_to_string(selected.sra_accessions, ',') AS sra_accessions,
    array_to_string(selected.bioprojects, ',') AS bioproject_accessions,
    'sequences'
    || coalesce('_' || nullif(regexp_replace(lower(segment_label.label), '[^a-z0-9]+', '_', 'g'), ''), '')
    || '.fasta' AS fasta_file
FROM selected
INNER JOIN strain ON selected.accession = strain.accession
LEFT JOIN main.taxon AS virus ON selected.virus_tax_id = virus.tax_id
LEFT JOIN segment_label
    ON selected.segment = segment_label.segment
    AND selected.virus_tax_id IS NOT DISTINCT FROM segment_label.virus_tax_id;
