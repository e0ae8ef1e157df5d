-- What changed: Which fields did recent revisions change, from what to what?
-- A revised record keeps its old state in `virus_genome_history`; the view `virus_genome_change` compares the two,
-- field by field. `update_date` changes with every revision and is left out here.
SELECT accession, field, old_value, new_value, changed_at::DATE AS changed_on
FROM virus_genome_change
WHERE source = 'viruses' AND field <> 'update_date' AND changed_at >= TIMESTAMPTZ '2026-11-19 00:00:00+00'
ORDER BY changed_at, accession, field;
