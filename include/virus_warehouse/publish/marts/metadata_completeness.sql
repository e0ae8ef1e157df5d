-- Completeness of metadata by submitter.
CREATE OR REPLACE VIEW mart.metadata_completeness AS
SELECT
    submitter_affiliation,
    submitter_country,
    count(*) AS records,
    max(release_date) AS last_release_date,
    avg((coalesce(collection_date_precision, '') = 'day')::INTEGER) AS share_with_collection_day,
    avg((collection_date_min IS NOT NULL)::INTEGER) AS share_with_collection_date,
    avg((country IS NOT NULL)::INTEGER) AS share_with_country,
    avg((country IS NOT NULL AND main.stated(division) IS NOT NULL)::INTEGER) AS share_with_division,
    avg((host_tax_id IS NOT NULL)::INTEGER) AS share_with_host,
    avg((main.stated(isolate_name) IS NOT NULL)::INTEGER) AS share_with_isolate,
    avg((main.stated(isolate_source) IS NOT NULL)::INTEGER) AS share_with_isolate_source,
    avg((biosample IS NOT NULL)::INTEGER) AS share_with_biosample,
    avg((coalesce(len(sra_accessions), 0) > 0)::INTEGER) AS share_with_reads,
    avg((purpose_of_sampling IS NOT NULL)::INTEGER) AS share_with_purpose_of_sampling,
    avg((completeness = 'COMPLETE')::INTEGER) AS share_declared_complete
FROM main.virus_genome_distinct
GROUP BY submitter_affiliation, submitter_country;

COMMENT ON VIEW mart.metadata_completeness IS
'Completeness of a submitter''s metadata: the share of its records, 0 to 1, with a value. Placeholders such as missing '
'or not collected are no values. Each record counts once, however many sources have it';
COMMENT ON COLUMN mart.metadata_completeness.submitter_affiliation IS
'Institution, as spelled in the records: one with two spellings is two rows; NULL if none is stated';
COMMENT ON COLUMN mart.metadata_completeness.submitter_country IS 'Country of the institution';
COMMENT ON COLUMN mart.metadata_completeness.records IS 'Nucleotide records: the denominator of every share';
COMMENT ON COLUMN mart.metadata_completeness.last_release_date IS 'Release of its newest record, in UTC';
COMMENT ON COLUMN mart.metadata_completeness.share_with_collection_day IS 'Collected on a stated day';
COMMENT ON COLUMN mart.metadata_completeness.share_with_collection_date IS
'With a readable collection date of any precision: a day, month, year or range';
COMMENT ON COLUMN mart.metadata_completeness.share_with_country IS 'With a country or sea of collection';
COMMENT ON COLUMN mart.metadata_completeness.share_with_division IS 'With a place within the country';
COMMENT ON COLUMN mart.metadata_completeness.share_with_host IS 'With a host that NCBI Taxonomy knows';
COMMENT ON COLUMN mart.metadata_completeness.share_with_isolate IS 'With the name of the isolate';
COMMENT ON COLUMN mart.metadata_completeness.share_with_isolate_source IS
'With the specimen or environment that the isolate came from';
COMMENT ON COLUMN mart.metadata_completeness.share_with_biosample IS 'With a BioSample';
COMMENT ON COLUMN mart.metadata_completeness.share_with_reads IS 'With accessions of the reads in SRA';
COMMENT ON COLUMN mart.metadata_completeness.share_with_purpose_of_sampling IS 'With a purpose of sampling';
COMMENT ON COLUMN mart.metadata_completeness.share_declared_complete IS
'Declared a complete genome or segment by the submitter';
