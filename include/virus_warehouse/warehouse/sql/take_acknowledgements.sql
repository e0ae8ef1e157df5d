-- Acknowledgements of quarantined lines and unknown fields -> acknowledged_line, acknowledged_drift.
CREATE OR REPLACE TEMP TABLE acknowledged_line AS
SELECT source, report, raw_sha256, acknowledged_at FROM warehouse.ops.quarantine WHERE acknowledged_at IS NOT NULL;

CREATE OR REPLACE TEMP TABLE acknowledged_drift AS
SELECT source, report, path, acknowledged_at FROM warehouse.ops.schema_drift WHERE acknowledged_at IS NOT NULL;
