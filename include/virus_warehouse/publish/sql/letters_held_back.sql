-- Where the letters of restored sequences are, as far as the warehouse no longer says it.
-- Reads the attached `published`.
INSERT INTO ops.sequence_letters BY NAME
SELECT published_letters.*
FROM published.ops.sequence_letters AS published_letters
WHERE
    published_letters.sha256 IN (SELECT sequence.sha256 FROM ops.sequence)
    AND published_letters.sha256 NOT IN (SELECT held.sha256 FROM ops.sequence_letters AS held);
