-- Removes superseded states of a source's records that ended long ago, and writes since when all states are kept.
-- Reads the variables source, ended_by_then and now. -> history_to_thin, the states removed.
--
-- The first state of a record stays, because it says when the record was first held; and so do the last states of
-- withdrawn and filtered records, by which a later load knows them.
CREATE OR REPLACE TEMP TABLE history_to_thin AS
WITH first_state AS (
    SELECT accession, min(valid_from) AS valid_from
    FROM warehouse.main.virus_genome_history
    WHERE source = getvariable('source')
    GROUP BY accession
)

SELECT past.source, past.accession, past.valid_from, past.valid_to
FROM warehouse.main.virus_genome_history AS past
ANTI JOIN first_state ON past.accession = first_state.accession AND past.valid_from = first_state.valid_from
WHERE
    past.source = getvariable('source')
    AND past.ended_by = 'revision'
    AND past.valid_to <= getvariable('ended_by_then')::TIMESTAMPTZ;

DELETE FROM warehouse.main.virus_genome_history AS past
USING history_to_thin
WHERE
    past.source = history_to_thin.source
    AND past.accession = history_to_thin.accession
    AND past.valid_from = history_to_thin.valid_from;

CREATE OR REPLACE TEMP TABLE thinned_before AS
SELECT kept_since, states FROM warehouse.ops.history_thinned WHERE source = getvariable('source');

DELETE FROM warehouse.ops.history_thinned
WHERE source = getvariable('source') AND EXISTS (SELECT 1 FROM history_to_thin);

INSERT INTO warehouse.ops.history_thinned BY NAME
SELECT
    getvariable('source') AS source,
    greatest(max(history_to_thin.valid_to), (SELECT max(thinned_before.kept_since) FROM thinned_before)) AS kept_since,
    count(*) + coalesce((SELECT sum(thinned_before.states) FROM thinned_before), 0) AS states,
    getvariable('now')::TIMESTAMPTZ AS thinned_at
FROM history_to_thin
HAVING count(*) > 0;
