-- Genomes: What is the reference genome of each virus, and how well is it annotated?
-- RefSeq records are copies curated by NCBI: use them as references, and exclude them from counts of isolates.
SELECT
    accession_version,
    taxon_name(virus_tax_id) AS virus,
    segment,
    length,
    gene_count,
    protein_count,
    mature_peptide_count
FROM virus_genome_distinct
WHERE source_database = 'RefSeq'
ORDER BY virus, accession_version;
