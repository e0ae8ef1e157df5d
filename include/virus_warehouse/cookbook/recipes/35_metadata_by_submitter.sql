-- Samples and reads: Whose records have the most complete metadata, and whom could I ask for the rest?
-- Shares of each submitter's records with a value; placeholders such as `missing` do not count. Here in percent, for
-- those with ten records or more.
SELECT
    submitter_affiliation AS submitter,
    records,
    round(100 * share_with_collection_day)::INTEGER AS day,
    round(100 * share_with_division)::INTEGER AS division,
    round(100 * share_with_host)::INTEGER AS host,
    round(100 * share_with_isolate_source)::INTEGER AS specimen,
    round(100 * share_with_biosample)::INTEGER AS biosample,
    round(100 * share_with_reads)::INTEGER AS reads
FROM mart.metadata_completeness
WHERE records >= 10
ORDER BY records DESC, submitter;
