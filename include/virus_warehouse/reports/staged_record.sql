-- The records of a report -> data_report; and no lineage folded yet -> lineage_folded. Reads staged_record. A line's
-- number only says here which came before which: what was refused has none.
CREATE OR REPLACE TEMP VIEW data_report AS
SELECT
    rowid AS line,
    * EXCLUDE (virus_lineage, host_lineage, refusal, names_and_texts)
FROM staged_record;

CREATE OR REPLACE TEMP TABLE lineage_folded (reference VARCHAR, lineage VARCHAR);
