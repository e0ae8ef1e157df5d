-- The records that several followed sources hold, for a share of the accessions -> ops.shared_record.
-- A record of several sources is in one besides the largest; only the accessions of those are compared, so that a
-- large source beside small ones costs little.
INSERT INTO ops.shared_record
WITH followed AS NOT MATERIALIZED (
    SELECT source, accession, version, update_date, valid_from
    FROM main.virus_genome
    WHERE
        source NOT IN (SELECT status.source FROM ops.source_status AS status WHERE status.status = 'not followed')
        AND in_share(accession)
),

beside_the_largest AS NOT MATERIALIZED (
    SELECT accession FROM followed
    WHERE source <> (
        SELECT arg_max(status.source, status.records)
        FROM ops.source_status AS status WHERE status.status <> 'not followed'
    )
),

shared AS NOT MATERIALIZED (
    SELECT accession FROM followed SEMI JOIN beside_the_largest USING (accession)
    GROUP BY accession
    HAVING count(*) > 1
)

SELECT
    accession,
    list(source ORDER BY source) AS sources,
    first(source ORDER BY version DESC, update_date DESC NULLS LAST, valid_from DESC, source) AS latest_source
FROM followed SEMI JOIN shared USING (accession)
GROUP BY accession;
