-- Writes the acknowledgements read by take_acknowledgements.sql.
UPDATE warehouse.ops.quarantine AS held
SET acknowledged_at = taken.acknowledged_at
FROM acknowledged_line AS taken
WHERE held.source = taken.source AND held.report = taken.report AND held.raw_sha256 = taken.raw_sha256;

UPDATE warehouse.ops.schema_drift AS held
SET acknowledged_at = taken.acknowledged_at
FROM acknowledged_drift AS taken
WHERE held.source = taken.source AND held.report = taken.report AND held.path = taken.path;
