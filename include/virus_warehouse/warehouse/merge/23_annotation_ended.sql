-- The annotations to end -> annotation_ended(accession): of genomes that have ended or have another version, of revised
-- genomes that the package's report no longer annotates, and of genomes with a revised annotation.
-- Reads the variables source, is_full, is_annotated (whether the package has an annotation report with lines) and
-- is_dropped (whether other filters than before request no annotation), line_outcome, annotation_listed(accession)
-- and report_outcome(accession, outcome).
CREATE OR REPLACE TEMP TABLE annotation_ended AS
WITH revised AS (
    SELECT accession FROM line_outcome WHERE outcome = 'revised'
)

SELECT held.accession
FROM warehouse.main.virus_annotation AS held
LEFT JOIN warehouse.main.virus_genome AS genome USING (source, accession)
WHERE
    held.source = getvariable('source')
    AND (getvariable('is_full') OR held.accession IN (SELECT revised.accession FROM revised))
    AND (
        getvariable('is_dropped')
        OR genome.accession IS NULL
        OR genome.accession_version <> held.accession_version
        OR (
            getvariable('is_annotated')
            AND held.accession IN (SELECT revised.accession FROM revised)
            AND held.accession NOT IN (SELECT listed.accession FROM annotation_listed AS listed)
        )
    )

UNION

SELECT accession FROM report_outcome WHERE outcome = 'revised';
