-- References between tables are valid.
SELECT source, 'a record names a run that did not commit' AS fault, accession || ' of ' || run_id AS example
FROM virus_genome
WHERE run_id NOT IN (SELECT run_id FROM ops.ingest_run WHERE status = 'success')

UNION ALL

SELECT source, 'a record names a virus or host that is not in taxon', accession
FROM virus_genome
WHERE
    virus_tax_id NOT IN (SELECT tax_id FROM taxon)
    OR host_tax_id NOT IN (SELECT tax_id FROM taxon)

UNION ALL

SELECT NULL, 'a lineage names a taxon that is not in taxon', ancestor_tax_id::VARCHAR
FROM taxon_lineage
WHERE ancestor_tax_id NOT IN (SELECT tax_id FROM taxon)

UNION ALL

SELECT source, 'an annotation or a BioSample names a run that did not commit', accession || ' of ' || run_id
FROM (
    SELECT source, accession, run_id FROM virus_annotation
    UNION ALL
    SELECT source, accession, run_id FROM biosample
)
WHERE run_id NOT IN (SELECT run_id FROM ops.ingest_run WHERE status = 'success')

UNION ALL

SELECT source, 'an annotation has no genome of its version', accession_version
FROM virus_annotation
ANTI JOIN virus_genome USING (source, accession, accession_version)

UNION ALL

SELECT source, 'a gene has no annotation', accession || ' ' || gene_number
FROM virus_gene
ANTI JOIN virus_annotation USING (source, accession)

UNION ALL

SELECT source, 'a protein has no gene', accession || ' ' || protein_number
FROM virus_protein
ANTI JOIN virus_gene USING (source, accession, gene_number)

UNION ALL

SELECT
    peptide.source,
    'a mature peptide has no coding region',
    peptide.accession || ' ' || peptide.protein_number
FROM virus_protein AS peptide
ANTI JOIN virus_protein AS parent
    ON
        peptide.source = parent.source
        AND peptide.accession = parent.accession
        AND peptide.parent_protein_number = parent.protein_number
        AND parent.kind = 'coding_region'
WHERE peptide.kind = 'mature_peptide'

UNION ALL

SELECT source, 'an attribute has no BioSample', accession || ' ' || attribute_number
FROM biosample_attribute
ANTI JOIN biosample USING (source, accession)

UNION ALL

SELECT source, 'a sequence has no letters', sequence_id
FROM ops.sequence
ANTI JOIN ops.sequence_letters USING (sha256)
WHERE valid_to IS NULL;
