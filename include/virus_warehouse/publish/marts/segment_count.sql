-- Segment counts from the ICTV Report, for every taxon under the named one.
-- Taxa with differing or uncertain counts are left out: their viruses have no number.
CREATE OR REPLACE VIEW mart.segment_count AS
SELECT
    fact.tax_id,
    fact.name,
    fact.segments,
    'https://ictv.global/report/chapter/' || fact.family || '/' || fact.family AS reference
FROM (
    VALUES
    (197911, 'Alphainfluenzavirus', 8, 'orthomyxoviridae'),
    (197912, 'Betainfluenzavirus', 8, 'orthomyxoviridae'),
    (197913, 'Gammainfluenzavirus', 7, 'orthomyxoviridae'),
    (1511083, 'Deltainfluenzavirus', 7, 'orthomyxoviridae'),
    (324913, 'Isavirus', 8, 'orthomyxoviridae'),
    (1980442, 'Orthohantavirus', 3, 'hantaviridae'),
    (1980517, 'Orthonairovirus', 3, 'nairoviridae'),
    (11572, 'Orthobunyavirus', 3, 'peribunyaviridae'),
    (11584, 'Phlebovirus', 3, 'phenuiviridae'),
    (2733256, 'Bandavirus', 3, 'phenuiviridae'),
    (1653394, 'Mammarenavirus', 2, 'arenaviridae'),
    (10912, 'Rotavirus', 11, 'sedoreoviridae'),
    (10892, 'Orbivirus', 10, 'sedoreoviridae'),
    (10882, 'Orthoreovirus', 10, 'spinareoviridae'),
    (10911, 'Coltivirus', 12, 'spinareoviridae'),
    (39740, 'Bromoviridae', 3, 'bromoviridae'),
    (11118, 'Coronaviridae', 1, 'coronaviridae'),
    (10240, 'Poxviridae', 1, 'poxviridae'),
    (11051, 'Orthoflavivirus', 1, 'flaviviridae'),
    (11018, 'Togaviridae', 1, 'togaviridae'),
    (11266, 'Filoviridae', 1, 'filoviridae'),
    (11158, 'Paramyxoviridae', 1, 'paramyxoviridae'),
    (11244, 'Pneumoviridae', 1, 'pneumoviridae'),
    (12058, 'Picornaviridae', 1, 'picornaviridae'),
    (11632, 'Retroviridae', 1, 'retroviridae'),
    (10404, 'Hepadnaviridae', 1, 'hepadnaviridae'),
    (10508, 'Adenoviridae', 1, 'adenoviridae'),
    (151341, 'Polyomaviridae', 1, 'polyomaviridae'),
    (3044472, 'Orthoherpesviridae', 1, 'orthoherpesviridae')
) AS fact (tax_id, name, segments, family);

COMMENT ON VIEW mart.segment_count IS
'Number of genome segments, for every virus under the taxon; 1 means unsegmented. For viruses under no listed taxon '
'it is unknown';
COMMENT ON COLUMN mart.segment_count.tax_id IS
'NCBI Taxonomy ID; joins taxon_lineage.ancestor_tax_id; the nearest ancestor counts';
COMMENT ON COLUMN mart.segment_count.name IS 'Scientific name';
COMMENT ON COLUMN mart.segment_count.segments IS 'Segments of a whole genome';
COMMENT ON COLUMN mart.segment_count.reference IS 'Chapter of the ICTV Report';
