-- The words that name segments. Other words, and words that name different segments in different species of the taxon,
-- cannot be read.
CREATE OR REPLACE VIEW mart.segment_spelling AS
WITH named AS (
    SELECT fact.tax_id, fact.position, fact.segment, fact.numbering, unnest(fact.spellings) AS spelling
    FROM (
        VALUES
        (197911, 1, 'PB2', 'settled', ['1', 'PB2']),
        (197911, 2, 'PB1', 'settled', ['2', 'PB1']),
        (197911, 3, 'PA', 'settled', ['3', 'PA']),
        (197911, 4, 'HA', 'settled', ['4', 'HA']),
        (197911, 5, 'NP', 'settled', ['5', 'NP']),
        (197911, 6, 'NA', 'settled', ['6', 'NA']),
        (197911, 7, 'M', 'settled', ['7', 'M', 'MP', 'M1', 'M2']),
        (197911, 8, 'NS', 'settled', ['8', 'NS', 'NS1', 'NS2', 'NEP']),
        -- In influenza B, PB1 is segment 1 to some and segment 2 to others.
        (197912, 1, '1', 'number', ['1']),
        (197912, 2, '2', 'number', ['2']),
        (197912, 1, 'PB1', 'name', ['PB1']),
        (197912, 2, 'PB2', 'name', ['PB2']),
        (197912, 3, 'PA', 'settled', ['3', 'PA']),
        (197912, 4, 'HA', 'settled', ['4', 'HA']),
        (197912, 5, 'NP', 'settled', ['5', 'NP']),
        (197912, 6, 'NA', 'settled', ['6', 'NA', 'NB']),
        (197912, 7, 'M', 'settled', ['7', 'M', 'MP', 'M1', 'BM2']),
        (197912, 8, 'NS', 'settled', ['8', 'NS', 'NS1', 'NS2', 'NEP']),
        (197913, 1, 'PB2', 'settled', ['1', 'PB2']),
        (197913, 2, 'PB1', 'settled', ['2', 'PB1']),
        (197913, 3, 'P3', 'settled', ['3', 'P3']),
        (197913, 4, 'HEF', 'settled', ['4', 'HEF', 'HE']),
        (197913, 5, 'NP', 'settled', ['5', 'NP']),
        (197913, 6, 'M', 'settled', ['6', 'M', 'MP', 'M1', 'CM2']),
        (197913, 7, 'NS', 'settled', ['7', 'NS', 'NS1', 'NS2', 'NEP']),
        (1511083, 1, 'PB2', 'settled', ['1', 'PB2']),
        (1511083, 2, 'PB1', 'settled', ['2', 'PB1']),
        (1511083, 3, 'P3', 'settled', ['3', 'P3']),
        (1511083, 4, 'HEF', 'settled', ['4', 'HEF', 'HE']),
        (1511083, 5, 'NP', 'settled', ['5', 'NP']),
        (1511083, 6, 'M', 'settled', ['6', 'M', 'MP', 'P42', 'DM2']),
        (1511083, 7, 'NS', 'settled', ['7', 'NS', 'NS1', 'NS2', 'NEP']),
        -- Rotaviruses and orthoreoviruses number the same genes differently, from species to species.
        (10912, 1, 'VP1', 'name', ['VP1']),
        (10912, 2, 'VP2', 'name', ['VP2']),
        (10912, 3, 'VP3', 'name', ['VP3']),
        (10912, 4, 'VP4', 'name', ['VP4']),
        (10912, 5, 'NSP1', 'name', ['NSP1']),
        (10912, 6, 'VP6', 'name', ['VP6']),
        (10912, 7, 'NSP3', 'name', ['NSP3']),
        (10912, 8, 'NSP2', 'name', ['NSP2']),
        (10912, 9, 'VP7', 'name', ['VP7']),
        (10912, 10, 'NSP4', 'name', ['NSP4']),
        (10912, 11, 'NSP5', 'name', ['NSP5', 'NSP6']),
        (10882, 1, 'L1', 'name', ['L1']),
        (10882, 2, 'L2', 'name', ['L2']),
        (10882, 3, 'L3', 'name', ['L3']),
        (10882, 4, 'M1', 'name', ['M1']),
        (10882, 5, 'M2', 'name', ['M2']),
        (10882, 6, 'M3', 'name', ['M3']),
        (10882, 7, 'S1', 'name', ['S1']),
        (10882, 8, 'S2', 'name', ['S2']),
        (10882, 9, 'S3', 'name', ['S3']),
        (10882, 10, 'S4', 'name', ['S4'])
    ) AS fact (tax_id, position, segment, numbering, spellings)
),

numbered AS (
    SELECT
        fact.tax_id,
        numbers.number AS position,
        numbers.number::VARCHAR AS segment,
        fact.numbering,
        numbers.number::VARCHAR AS spelling
    FROM (
        VALUES
        (324913, 8, 'settled'),
        (10892, 10, 'settled'),
        (10911, 12, 'settled'),
        (39740, 3, 'settled'),
        (10912, 11, 'number'),
        (10882, 10, 'number')
    ) AS fact (tax_id, segments, numbering),
        unnest(range(1, fact.segments + 1)) AS numbers (number)
),

sized AS (
    SELECT taxon.tax_id, size.position, size.segment, 'settled' AS numbering, unnest(size.spellings) AS spelling
    FROM (VALUES (1980442), (1980517), (11572), (11584), (2733256), (1653394)) AS taxon (tax_id)
    CROSS JOIN
        (VALUES (1, 'L', ['L', 'LARGE']), (2, 'M', ['M', 'MEDIUM']), (3, 'S', ['S', 'SMALL']))
        AS size (position, segment, spellings)
    WHERE taxon.tax_id <> 1653394 OR size.segment <> 'M'
)

FROM named
UNION ALL BY NAME FROM numbered
UNION ALL BY NAME FROM sized;

COMMENT ON VIEW mart.segment_spelling IS
'The words that name the segments of viruses, for every taxon under the named one. The words SEGMENT, SEG, RNA and '
'GENE, and leading zeros of numbers, are removed before a lookup';
COMMENT ON COLUMN mart.segment_spelling.tax_id IS 'NCBI Taxonomy ID; joins segment_count';
COMMENT ON COLUMN mart.segment_spelling.position IS 'Position of the segment in a list of all';
COMMENT ON COLUMN mart.segment_spelling.segment IS 'The segment';
COMMENT ON COLUMN mart.segment_spelling.numbering IS
'settled: its number and its name mean the same in the whole taxon; number or name: they may not, and are counted '
'apart';
COMMENT ON COLUMN mart.segment_spelling.spelling IS 'A word for it, in capitals';
