-- The entries whose letters are in the store already -> letters_held(sha256). Reads sequence_entry, the attached
-- warehouse.
CREATE OR REPLACE TEMP TABLE letters_held AS
SELECT sha256 FROM warehouse.ops.sequence_letters SEMI JOIN sequence_entry USING (sha256);
