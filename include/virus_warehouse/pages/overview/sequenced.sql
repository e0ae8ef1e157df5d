-- How many records have their genome's sequence, for each source whose runs have requested them.
WITH sequenced AS (
    SELECT DISTINCT source, accession_version FROM ops.sequence WHERE molecule = 'genome' AND valid_to IS NULL
)

SELECT genome.source, count(sequenced.source) AS records
FROM main.virus_genome AS genome
LEFT JOIN sequenced ON genome.source = sequenced.source AND genome.accession_version = sequenced.accession_version
WHERE genome.source IN (SELECT counted.source FROM ops.ingest_sequence AS counted WHERE counted.molecule = 'genome')
GROUP BY genome.source;
