-- Whether an accession belongs to the current share -> in_share(accession).
-- It reads the variables shares (how many there are) and share (which, from 0).
CREATE OR REPLACE TEMP MACRO in_share(accession) AS hash(accession) % getvariable('shares') = getvariable('share');
