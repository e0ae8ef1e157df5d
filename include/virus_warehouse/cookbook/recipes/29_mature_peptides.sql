-- Annotation: Where are the mature peptides, on the genome and on their polyprotein?
-- `parent_protein_number` names the coding region that a peptide is cut from. At ribosomal slippage, two nucleotide
-- ranges overlap by a base; it is still one peptide.
SELECT
    peptide.name AS peptide,
    polyprotein.name AS polyprotein,
    list_transform(peptide.nucleotide_ranges, LAMBDA part: part.begin || '-' || part."end") AS nucleotides,
    list_transform(peptide.protein_ranges, LAMBDA part: part.begin || '-' || part."end") AS residues
FROM virus_protein AS peptide
INNER JOIN virus_protein AS polyprotein
    ON
        peptide.source = polyprotein.source
        AND peptide.accession = polyprotein.accession
        AND peptide.parent_protein_number = polyprotein.protein_number
WHERE
    peptide.source = 'viruses'
    AND peptide.accession = (
        SELECT min(accession) FROM virus_genome WHERE virus_tax_id = 2697049 AND mature_peptide_count > 0
    )
    AND polyprotein.name = 'ORF1ab polyprotein'
ORDER BY peptide.protein_number;
