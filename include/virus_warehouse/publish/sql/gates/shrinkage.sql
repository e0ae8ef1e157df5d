-- Published records that the candidate lacks, except those excluded by changed filters, and those withdrawn after a
-- person accepted at the census that they are missing.
WITH explained AS (
    SELECT history.source, history.accession, history.valid_to
    FROM virus_genome_history AS history
    WHERE
        history.ended_by = 'filter'
        OR (
            history.ended_by = 'withdrawal'
            AND EXISTS (
                FROM ops.census_missing AS missed
                WHERE
                    missed.source = history.source
                    AND missed.accession = history.accession
                    AND missed.requested_at >= history.missing_since
                    AND missed.is_accepted
            )
        )
),

lost AS (
    SELECT published.source, published.accession, count(*) OVER (PARTITION BY published.source) AS lost
    FROM published_genome AS published
    ANTI JOIN virus_genome AS held
        ON published.source = held.source AND published.accession = held.accession
    ANTI JOIN explained
        ON
            published.source = explained.source
            AND published.accession = explained.accession
            AND published.valid_from < explained.valid_to
),

published AS (
    SELECT source, count(*) AS records FROM published_genome GROUP BY source
)

SELECT
    source,
    format(
        'of {} published records, {} are missing, more than {}%',
        published.records, lost.lost, round(100 * source_limit.max_shrinkage, 2)
    ) AS fault,
    lost.accession AS example
FROM lost
INNER JOIN published USING (source)
INNER JOIN source_limit USING (source)
WHERE lost.lost >= getvariable('few') AND lost.lost > published.records * source_limit.max_shrinkage;
