-- What changed: Which records of a frozen data set have changed or gone since it was frozen?
-- The records as of the freeze, beside those of now: only what differs. An analysis need be repeated for these alone.
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
