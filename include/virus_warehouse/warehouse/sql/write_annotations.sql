-- The new and changed annotations become rows: a genome's, its genes', and those of its coding regions and mature
-- peptides.
-- Reads the variables source, run_id and valid_from, annotation_report and report_outcome.
CREATE OR REPLACE TEMP TABLE line_merged AS
SELECT line_number FROM report_outcome WHERE outcome IN ('inserted', 'revised');

INSERT INTO warehouse.main.virus_annotation BY NAME
SELECT
    getvariable('source') AS source,
    accession,
    accession_version,
    isolate_name,
    annotation_hash,
    getvariable('valid_from') AS valid_from,
    getvariable('run_id') AS run_id
FROM annotation_report
SEMI JOIN line_merged USING (line_number);

-- Whole annotations are never kept together in memory: a row of the table is one gene.
CREATE OR REPLACE TEMP TABLE gene_merged AS
SELECT accession, unnest(genes) AS gene, generate_subscripts(genes, 1) AS gene_number
FROM annotation_report
SEMI JOIN line_merged USING (line_number);

INSERT INTO warehouse.main.virus_gene BY NAME
SELECT
    getvariable('source') AS source,
    accession,
    gene_number,
    gene.name,
    gene.gene_id,
    gene.nucleotide_accession_version,
    gene.nucleotide_ranges,
    gene.nucleotide_sequence_hash
FROM gene_merged;

-- A coding region comes first, then the mature peptides that are cut from it.
CREATE OR REPLACE TEMP TABLE family_merged AS
WITH coding_region AS (
    SELECT
        accession,
        gene_number,
        unnest(gene.coding_regions) AS region,
        generate_subscripts(gene.coding_regions, 1) AS region_number
    FROM gene_merged
)

SELECT
    accession,
    gene_number,
    region_number,
    list_prepend(region.protein, coalesce(region.mature_peptides, [])) AS members
FROM coding_region;

INSERT INTO warehouse.main.virus_protein BY NAME
WITH place AS (
    SELECT
        rowid AS family,
        sum(len(members)) OVER (PARTITION BY accession ORDER BY gene_number, region_number)
        - len(members) + 1 AS first_number
    FROM family_merged
),

member AS (
    SELECT
        family.accession,
        family.gene_number,
        place.first_number::BIGINT AS first_number,
        unnest(family.members) AS protein,
        generate_subscripts(family.members, 1) - 1 AS peptide_number
    FROM family_merged AS family
    INNER JOIN place ON family.rowid = place.family
)

SELECT
    getvariable('source') AS source,
    accession,
    gene_number,
    first_number + peptide_number AS protein_number,
    CASE WHEN peptide_number > 0 THEN first_number END AS parent_protein_number,
    CASE WHEN peptide_number > 0 THEN 'mature_peptide' ELSE 'coding_region' END AS kind,
    unnest(protein)
FROM member;
