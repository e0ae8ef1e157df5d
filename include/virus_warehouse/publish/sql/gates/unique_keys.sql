-- Rows are unique: the tables have no key constraints to ensure it.
SELECT source, 'a record is more than once in virus_genome' AS fault, accession AS example
FROM virus_genome
GROUP BY source, accession
HAVING count(*) > 1

UNION ALL

SELECT NULL, 'a taxon is more than once in taxon', tax_id::VARCHAR
FROM taxon
GROUP BY tax_id
HAVING count(*) > 1

UNION ALL

SELECT NULL, 'a pair is more than once in taxon_lineage', descendant_tax_id || ' under ' || ancestor_tax_id
FROM taxon_lineage
GROUP BY descendant_tax_id, ancestor_tax_id
HAVING count(*) > 1

UNION ALL

SELECT source, 'a genome has more than one annotation', accession
FROM virus_annotation
GROUP BY source, accession
HAVING count(*) > 1

UNION ALL

SELECT source, 'a gene of a genome is stored more than once', accession || ' ' || gene_number
FROM virus_gene
GROUP BY source, accession, gene_number
HAVING count(*) > 1

UNION ALL

SELECT source, 'a protein of a genome is stored more than once', accession || ' ' || protein_number
FROM virus_protein
GROUP BY source, accession, protein_number
HAVING count(*) > 1

UNION ALL

SELECT source, 'a BioSample is stored more than once', accession
FROM biosample
GROUP BY source, accession
HAVING count(*) > 1

UNION ALL

SELECT source, 'an attribute of a BioSample is stored more than once', accession || ' ' || attribute_number
FROM biosample_attribute
GROUP BY source, accession, attribute_number
HAVING count(*) > 1

UNION ALL

SELECT source, 'a sequence is more than once in virus_sequence', sequence_id
FROM ops.sequence
WHERE valid_to IS NULL
GROUP BY source, molecule, sequence_id
HAVING count(*) > 1;
