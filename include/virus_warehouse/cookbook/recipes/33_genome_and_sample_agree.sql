-- Samples and reads: Do genome and BioSample agree, and which has more information?
-- Submitters may correct one and forget the other. Values of the sample alone can be used as well; where the two
-- differ, ask the submitter. `unnest` turns each pair of fields into a row.
SELECT
    pair.field,
    count(*) FILTER (pair.genome = pair.sample) AS same,
    count(*) FILTER (pair.genome <> pair.sample) AS different,
    count(*) FILTER (pair.genome IS NULL AND pair.sample IS NOT NULL) AS only_in_sample,
    count(*) FILTER (pair.genome IS NOT NULL AND pair.sample IS NULL) AS only_in_genome,
    count(*) FILTER (pair.genome IS NULL AND pair.sample IS NULL) AS neither
FROM virus_genome AS genome
INNER JOIN (
    PIVOT (SELECT source, accession AS biosample, name, value_clean FROM biosample_attribute)
    ON name IN ('host', 'geo_loc_name', 'collection_date', 'isolation_source', 'host_disease')
    USING first(value_clean)
    GROUP BY source, biosample
) AS sample USING (source, biosample)
CROSS JOIN unnest([
    { 'field': 'host', 'genome': genome.host_name, 'sample': sample.host },
    { 'field': 'place', 'genome': genome.geo_location, 'sample': sample.geo_loc_name },
    { 'field': 'date', 'genome': genome.collection_date, 'sample': sample.collection_date },
    { 'field': 'specimen', 'genome': genome.isolate_source, 'sample': sample.isolation_source },
    { 'field': 'disease', 'genome': NULL, 'sample': sample.host_disease }
]) AS pairs (pair)
WHERE source = 'viruses'
GROUP BY pair.field
ORDER BY pair.field;
