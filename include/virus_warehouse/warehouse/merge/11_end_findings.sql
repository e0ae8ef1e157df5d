-- Resolves all open findings: what the newest full package still contains is reopened below.
-- Reads the variables source and valid_from.
UPDATE warehouse.ops.quarantine
SET resolved_at = getvariable('valid_from')
WHERE source = getvariable('source') AND replayed_at IS NULL AND resolved_at IS NULL;

UPDATE warehouse.ops.schema_drift
SET resolved_at = getvariable('valid_from')
WHERE source = getvariable('source') AND resolved_at IS NULL;
