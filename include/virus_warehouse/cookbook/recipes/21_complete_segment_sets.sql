-- Genomes: Which influenza isolates have all their segments?
-- Reassortment is only visible in complete sets. `segments_expected` is NULL for viruses with an unknown number.
SELECT virus_name, isolate_name, country, collection_date, segments_found, segments_expected, is_complete
FROM mart.segment_completeness
ORDER BY virus_name, isolate_name, collection_date;
