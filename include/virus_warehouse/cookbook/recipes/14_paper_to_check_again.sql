-- What changed: Which records of a frozen data set have been revised or withdrawn since?
-- Compares the records as of the freeze with the current ones. Only the analyses of these records need to be repeated.
SELECT
    frozen.accession_version AS frozen_as,
    shown.accession_version AS shown_as,
    CASE
        WHEN shown.accession IS NULL THEN 'withdrawn'
        WHEN shown.version > frozen.version THEN 'new sequence'
        ELSE 'metadata revised'
    END AS change
FROM virus_genome_as_of('2026-11-18 18:00:00+00') AS frozen
LEFT JOIN virus_genome AS shown ON frozen.source = shown.source AND frozen.accession = shown.accession
WHERE frozen.source = 'viruses' AND frozen.record_hash IS DISTINCT FROM shown.record_hash
ORDER BY change, frozen_as;
