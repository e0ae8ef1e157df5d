-- Completeness of metadata by submitter.
SELECT
    submitter_affiliation,
    submitter_country,
    records,
    share_with_collection_day,
    share_with_country,
    share_with_host,
    share_with_biosample
FROM mart.metadata_completeness;
