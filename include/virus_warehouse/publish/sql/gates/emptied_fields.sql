-- Fields that more records of the snapshot have lost than the source allows. Reads lost_field.
SELECT
    source,
    format(
        'of {} records that had {}, {} lost it, more than {}%',
        lost_field.had, lost_field.field, lost_field.lost, round(100 * lost_field.max_emptied, 2)
    ) AS fault,
    lost_field.accession AS example
FROM lost_field
WHERE lost_field.lost > lost_field.had * lost_field.max_emptied;
