-- Genomes: Which is the reference genome of each virus, and how much is annotated on it?
-- RefSeq's records are copies that NCBI curates: take them as the reference, and leave them out of counts of isolates.
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
