-- The genomes that a package annotates -> annotation_listed(accession). A quarantined line with a readable accession
-- counts.
CREATE OR REPLACE TEMP TABLE annotation_listed AS
SELECT accession FROM annotation_report WHERE accession IS NOT NULL
UNION
SELECT split_part(accession_of(raw), '.', 1) FROM quarantined_line
WHERE report = 'annotation_report' AND accession_of(raw) IS NOT NULL;
