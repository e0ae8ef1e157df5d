-- Inputs of the gates besides the candidate: the limits of each source, and what is published now.
-- Reads followed_limit, the limits of the followed sources; other_limit, those of others; the variable named_sources,
-- all sources in the sources file (NULL: there is no file); snapshot_genome and snapshot_run, the published records and
-- runs, if any. A source that is published, but neither in the file nor in the ledger, was removed on purpose.
-- Everything is temporary: after this, a gate can be run by hand on any snapshot.
CREATE OR REPLACE TEMP VIEW source_limit AS
FROM followed_limit
UNION ALL
SELECT held.source, other_limit.*
FROM (
    SELECT ops.ingest_run.source FROM ops.ingest_run
    UNION
    SELECT virus_genome.source FROM virus_genome
    UNION
    SELECT snapshot_genome.source FROM snapshot_genome
    WHERE coalesce(list_contains(getvariable('named_sources'), snapshot_genome.source), true)
) AS held
CROSS JOIN other_limit
WHERE held.source NOT IN (SELECT followed_limit.source FROM followed_limit);

-- With the candidate's columns, whichever version of this project wrote the snapshot. It may be newer than the
-- warehouse, if that was restored or rebuilt.
CREATE OR REPLACE TEMP VIEW published_genome AS
SELECT * FROM (SELECT * FROM virus_genome LIMIT 0)
UNION ALL BY NAME
-- Snapshots of earlier versions may still have NCBI's placeholder as a date.
SELECT * REPLACE (nullif(update_date, DATE '1900-01-01') AS update_date)
FROM snapshot_genome;

CREATE OR REPLACE TEMP VIEW published_run AS
SELECT run_id FROM snapshot_run WHERE status = 'success';

-- Impossible dates. A partial collection date is possible if some day of its range is.
-- GenBank's first release was in December 1982.
CREATE OR REPLACE TEMP VIEW odd_date AS
WITH record_date AS (
    SELECT
        source,
        accession,
        unnest(['release_date', 'update_date', 'collection_date']) AS field,
        unnest([release_date, update_date, collection_date_min]) AS first_day,
        unnest([release_date, update_date, collection_date_max]) AS last_day
    FROM virus_genome
)

SELECT
    record_date.source,
    record_date.accession,
    record_date.field,
    record_date.first_day,
    record_date.last_day,
    CASE
        WHEN record_date.first_day > current_date + source_limit.future_days THEN 'in the future'
        WHEN record_date.field <> 'collection_date' THEN 'before GenBank''s first release in 1982'
        ELSE 'before ' || source_limit.earliest_collection_date
    END AS oddity
FROM record_date
INNER JOIN source_limit USING (source)
WHERE
    record_date.first_day > current_date + source_limit.future_days
    OR record_date.last_day < if(
        record_date.field = 'collection_date', source_limit.earliest_collection_date, DATE '1982-01-01'
    );
