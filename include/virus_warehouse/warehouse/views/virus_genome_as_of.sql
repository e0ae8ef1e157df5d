-- The records as the warehouse showed them at a time: states valid then, current or ended since.
-- Not covered are status and missing_since, which are only known for now, and update_date, which is updated in place
-- when nothing else changed.
CREATE OR REPLACE MACRO virus_genome_as_of(moment) AS TABLE
SELECT * EXCLUDE (status, missing_since)
FROM virus_genome
WHERE valid_from <= moment::TIMESTAMPTZ
UNION ALL BY NAME
SELECT * EXCLUDE (status, missing_since, valid_to, ended_by, ended_run_id)
FROM virus_genome_history
WHERE valid_from <= moment::TIMESTAMPTZ AND valid_to > moment::TIMESTAMPTZ;

COMMENT ON MACRO TABLE virus_genome_as_of IS -- noqa: PRS
'The records as the warehouse had them at a moment; without status and missing_since, which have no history';
