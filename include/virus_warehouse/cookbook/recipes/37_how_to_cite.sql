-- To cite: What do I write into the paper's methods?
-- Credit is due to the submitters, record by record; then to the databases. With the time of the last run, recipe 13
-- makes the numbers again. `_about` also tells the versions, the counts and the last run of each source.
SELECT topic, name, value
FROM _about
WHERE topic = 'citation' OR (topic = 'snapshot' AND name = 'last_run_ended_at')
ORDER BY topic DESC, name;
