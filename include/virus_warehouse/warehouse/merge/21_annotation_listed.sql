-- The genomes that a package annotates -> annotation_listed(accession). A line that could not be read or placed,
-- but names its accession, annotates it.
CREATE OR REPLACE TEMP TABLE annotation_listed AS
SELECT accession FROM annotation_report WHERE accession IS NOT NULL
UNION
SELECT split_part(accession_of(raw), '.', 1) FROM refused_line
WHERE report = 'annotation_report' AND accession_of(raw) IS NOT NULL;
