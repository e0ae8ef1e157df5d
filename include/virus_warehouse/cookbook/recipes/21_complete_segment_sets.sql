-- Genomes: Which influenza isolates have all their segments?
-- Reassortment is seen in whole sets only. `segments_expected` is NULL for a virus whose number is not known here.
SELECT virus_name, isolate_name, country, collection_date, segments_found, segments_expected, is_complete
FROM mart.segment_completeness
ORDER BY virus_name, isolate_name, collection_date;
