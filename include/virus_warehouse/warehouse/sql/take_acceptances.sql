-- What a person has accepted of loads -> accepted_load.
CREATE OR REPLACE TEMP TABLE accepted_load AS
SELECT source, run_id, accepted FROM warehouse.ops.acceptance;
