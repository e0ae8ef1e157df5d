-- Writes the new and revised annotations, with their genes, coding regions and mature peptides.
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

CREATE OR REPLACE TEMP VIEW gene_merged AS
SELECT line_number, accession, unnest(genes) AS gene, generate_subscripts(genes, 1) AS gene_number
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

-- A coding region comes first, then the mature peptides that are cut from it. Numbers are computed separately from
-- contents, because whole annotations are too large to sort.
INSERT INTO warehouse.main.virus_protein BY NAME
WITH gene_size AS (
    SELECT line_number, unnest(family_sizes) AS sizes, generate_subscripts(family_sizes, 1) AS gene_number
    FROM annotation_report
    SEMI JOIN line_merged USING (line_number)
),

family_size AS (
    SELECT line_number, gene_number, unnest(sizes) AS size, generate_subscripts(sizes, 1) AS region_number
    FROM gene_size
),

place AS (
    SELECT
        line_number,
        gene_number,
        region_number,
        1 + sum(size) OVER (PARTITION BY line_number ORDER BY gene_number, region_number) - size AS first_number
    FROM family_size
),

coding_region AS (
    SELECT
        line_number,
        accession,
        gene_number,
        unnest(gene.coding_regions) AS region,
        generate_subscripts(gene.coding_regions, 1) AS region_number
    FROM gene_merged
),

family AS (
    SELECT
        * EXCLUDE (region),
        list_prepend(region.protein, coalesce(region.mature_peptides, [])) AS members
    FROM coding_region
),

member AS (
    SELECT
        * EXCLUDE (members),
        unnest(members) AS protein,
        generate_subscripts(members, 1) - 1 AS peptide_number
    FROM family
)

SELECT
    getvariable('source') AS source,
    member.accession,
    member.gene_number,
    (place.first_number + member.peptide_number)::BIGINT AS protein_number,
    CASE WHEN member.peptide_number > 0 THEN place.first_number END AS parent_protein_number,
    CASE WHEN member.peptide_number > 0 THEN 'mature_peptide' ELSE 'coding_region' END AS kind,
    unnest(member.protein)
FROM member INNER JOIN place USING (line_number, gene_number, region_number);
