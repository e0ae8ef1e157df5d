-- The records of a report -> data_report, filled by way of staged_record. Reads records_of_part(). A line's number only
-- says here which came before which: what was refused has none.
CREATE OR REPLACE TEMP TABLE staged_record AS SELECT * FROM records_of_part() WHERE false;

CREATE OR REPLACE TEMP VIEW data_report AS
SELECT
    rowid AS line,
    * EXCLUDE (virus_lineage, host_lineage, refusal)
FROM staged_record;
