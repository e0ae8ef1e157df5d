-- Samples and reads: Whose records tell the most, and whom does one ask for the rest?
-- Shares of each submitter's records that state a thing; a text such as `missing` states nothing. Here in percent, for
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
