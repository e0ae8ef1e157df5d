-- Findings of the gates in the snapshot that did not hold back their source, by source.
SELECT source, value AS finding
FROM _about
WHERE topic = 'finding' AND NOT starts_with(value, 'held back: ')
ORDER BY source, name;
