-- Samples and reads: Which BioProjects do the genomes belong to, and how many have raw reads?
-- `bioprojects` and `sra_accessions` are lists, as a record may have several. Some archives give a sample (`ERS`)
-- instead of a run (`ERR`), but `fasterq-dump` needs runs.
SELECT
    bioproject,
    count(*) AS genomes,
    count(biosample) AS with_biosample,
    count(*) FILTER (len(sra_accessions) > 0) AS with_reads,
    count(*) FILTER (list_bool_or(list_transform(sra_accessions, LAMBDA sra: sra[2:3] = 'RR'))) AS with_runs
FROM virus_genome_distinct
CROSS JOIN unnest(bioprojects) AS project (bioproject)
GROUP BY bioproject
HAVING count(*) > 1
ORDER BY genomes DESC, bioproject;
