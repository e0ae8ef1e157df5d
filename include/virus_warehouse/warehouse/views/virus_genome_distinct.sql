-- Each record once, however many sources follow it: in its latest state, with the sources that hold it. Sources that
-- are no longer followed are left out, because they would keep withdrawn records forever.
-- A record of several sources is in one besides the largest; only the accessions of those are compared, so that a
-- large source beside small ones costs little.
CREATE OR REPLACE VIEW virus_genome_distinct AS
WITH followed AS NOT MATERIALIZED (
    FROM main.virus_genome
    WHERE source NOT IN (SELECT status.source FROM ops.source_status AS status WHERE status.status = 'not followed')
),

shared AS NOT MATERIALIZED (
    SELECT
        accession,
        list(source ORDER BY source) AS sources,
        first(source ORDER BY version DESC, update_date DESC NULLS LAST, valid_from DESC, source) AS latest_source
    FROM followed
    SEMI JOIN (
        SELECT accession FROM followed
        WHERE source <> (
            SELECT arg_max(source, records)
            FROM (SELECT source, count(*) AS records FROM followed GROUP BY source)
        )
    ) AS beside_the_largest USING (accession)
    GROUP BY accession
    HAVING count(*) > 1
)

SELECT held.* EXCLUDE (source), coalesce(shared.sources, [held.source]) AS sources
FROM followed AS held
LEFT JOIN shared USING (accession)
WHERE coalesce(held.source = shared.latest_source, true);

COMMENT ON VIEW virus_genome_distinct IS
'A current nucleotide record of NCBI, once however many sources have it; sources no longer followed are left out';
COMMENT ON COLUMN virus_genome_distinct.sources IS 'Names of the sources that hold the record';
