-- Sequences: Which genomes are identical, letter for letter?
-- Identical genomes of several countries or months are worth a second look: an outbreak that travels, or one sample
-- that was submitted twice. Each record counts once, and so does each of the eight segments of influenza.
SELECT
    virus_names,
    length,
    records,
    countries,
    collection_date_min,
    collection_date_max,
    array_to_string(accessions, ', ') AS accessions
FROM mart.identical_sequence
ORDER BY records DESC, length DESC, accessions;
