-- Annotation: Where is a gene on each genome, as BED?
-- NCBI's ranges are 1-based with both ends included, BED is 0-based with the end excluded: only the start changes. Here
-- the coding region of the spike gene S of SARS-CoV-2; spliced regions, or those with slippage, have a line per part.
SELECT
    region.nucleotide_accession_version AS chrom,
    part.begin - 1 AS chrom_start,
    part."end" AS chrom_end,
    gene.name,
    0 AS score,
    CASE WHEN part.orientation = 'minus' THEN '-' ELSE '+' END AS strand
FROM virus_gene AS gene
INNER JOIN virus_genome AS genome ON gene.source = genome.source AND gene.accession = genome.accession
INNER JOIN virus_protein AS region
    ON
        gene.source = region.source
        AND gene.accession = region.accession
        AND gene.gene_number = region.gene_number
        AND region.kind = 'coding_region'
CROSS JOIN unnest(region.nucleotide_ranges) AS ranges (part)
WHERE gene.source = 'viruses' AND gene.name = 'S' AND genome.virus_tax_id = 2697049
ORDER BY chrom, chrom_start
LIMIT 8;
