-- Resolves quarantined lines whose record this load has in another line, and a missing report that has arrived.
-- Reads the variables source, report, valid_from and is_given, and loaded_record(accession).
UPDATE warehouse.ops.quarantine
SET resolved_at = getvariable('valid_from')
WHERE
    source = getvariable('source')
    AND report = getvariable('report')
    AND replayed_at IS NULL
    AND resolved_at IS NULL
    AND split_part(accession_of(raw), '.', 1) IN (SELECT loaded_record.accession FROM loaded_record);

UPDATE warehouse.ops.schema_drift
SET resolved_at = getvariable('valid_from')
WHERE
    source = getvariable('source')
    AND report = getvariable('report')
    AND path = '$'
    AND resolved_at IS NULL
    AND getvariable('is_given');
