-- What the gates found in the snapshot and let pass, by source.
SELECT source, value AS told
FROM _about
WHERE topic = 'finding' AND NOT starts_with(value, 'held back: ')
ORDER BY source, name;
