-- What was refused or new before is over: the newest full package has it no longer, or else it is written anew below.
-- Reads the variables source and valid_from.
UPDATE warehouse.ops.quarantine
SET resolved_at = getvariable('valid_from')
WHERE source = getvariable('source') AND replayed_at IS NULL AND resolved_at IS NULL;

UPDATE warehouse.ops.schema_drift
SET resolved_at = getvariable('valid_from')
WHERE source = getvariable('source') AND resolved_at IS NULL;
