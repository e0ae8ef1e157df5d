-- What the parts of a report told of its drift, each path once.
CREATE OR REPLACE TEMP TABLE drift AS
SELECT path, sum(occurrences)::BIGINT AS occurrences, min(sample) AS sample FROM drift GROUP BY path;
