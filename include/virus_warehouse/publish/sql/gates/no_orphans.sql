-- What a row refers to is there.
SELECT source, 'a record names a run that did not commit' AS fault, accession || ' of ' || run_id AS example
FROM virus_genome
WHERE run_id NOT IN (SELECT run_id FROM ops.ingest_run WHERE status = 'success')

UNION ALL

SELECT source, 'a record names a virus or host that taxon lacks', accession
FROM virus_genome
WHERE
    virus_tax_id NOT IN (SELECT tax_id FROM taxon)
    OR host_tax_id NOT IN (SELECT tax_id FROM taxon)

UNION ALL

SELECT NULL, 'a lineage names a taxon that taxon lacks', ancestor_tax_id::VARCHAR
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

SELECT source, 'an annotation is of no genome version that is held', accession_version
FROM virus_annotation
ANTI JOIN virus_genome USING (source, accession, accession_version)

UNION ALL

SELECT source, 'a gene is of no annotation that is held', accession || ' ' || gene_number
FROM virus_gene
ANTI JOIN virus_annotation USING (source, accession)

UNION ALL

SELECT source, 'a protein is of no gene that is held', accession || ' ' || protein_number
FROM virus_protein
ANTI JOIN virus_gene USING (source, accession, gene_number)

UNION ALL

SELECT
    peptide.source,
    'a mature peptide is of no coding region that is held',
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

SELECT source, 'an attribute is of no BioSample that is held', accession || ' ' || attribute_number
FROM biosample_attribute
ANTI JOIN biosample USING (source, accession);
