-- Fields that some records of the snapshot have lost, no more than the source allows. Reads lost_field.
SELECT
    source,
    format('of {} records that had {}, {} lost it', lost_field.had, lost_field.field, lost_field.lost) AS fault,
    lost_field.accession AS example
FROM lost_field
WHERE lost_field.lost <= lost_field.had * lost_field.max_emptied;
