-- Creates later_line, unless lines are in it already: those of packages requested later than the one to be merged.
-- is_merged: whether the line was within the window of the load. An unreadable line has an accession only.
CREATE TEMP TABLE IF NOT EXISTS later_line (
    accession VARCHAR, version INTEGER, update_date DATE, is_merged BOOLEAN
);
