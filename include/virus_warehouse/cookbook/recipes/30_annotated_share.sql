-- Annotation: How many genomes are annotated, and does that agree with the counts of the data report?
-- The data report has the number of proteins of a genome; the annotation report lists them. Differences are NCBI's, or
-- due to a report that arrived late: run the source with `mode: full`.
SELECT
    taxon_name(virus_tax_id) AS virus,
    count(*) AS genomes,
    count(*) FILTER (is_annotated) AS said_to_be_annotated,
    count(annotation.accession) AS annotations_held,
    count(*) FILTER (protein_count <> proteins) AS with_other_protein_counts
FROM virus_genome
LEFT JOIN virus_annotation AS annotation USING (source, accession)
LEFT JOIN (
    SELECT source, accession, count(*) AS proteins
    FROM virus_protein
    WHERE kind = 'coding_region'
    GROUP BY source, accession
) AS protein USING (source, accession)
WHERE source = 'viruses'
GROUP BY virus_tax_id
ORDER BY genomes DESC, virus;
