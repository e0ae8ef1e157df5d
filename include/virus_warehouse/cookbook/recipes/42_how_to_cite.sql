-- To cite: What do I write in the methods section?
-- Credit the submitters, record by record; then the databases. With the time of the last run, recipe 13 reproduces the
-- numbers. `_about` also has the versions, the counts and the last run of each source.
SELECT topic, name, value
FROM _about
WHERE topic = 'citation' OR (topic = 'snapshot' AND name = 'last_run_ended_at')
ORDER BY topic DESC, name;
