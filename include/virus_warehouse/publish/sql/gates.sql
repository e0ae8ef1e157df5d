-- What must not be published: one row for each gate that found something, none for a sound warehouse.
-- `examples` names a few of the rows at fault.
WITH finding AS (
    SELECT
        'unique keys' AS gate,
        'a record of a source stands more than once in virus_genome' AS reason,
        source || ' ' || accession AS example
    FROM virus_genome
    GROUP BY source, accession
    HAVING count(*) > 1

    UNION ALL

    SELECT 'unique keys', 'a taxon stands more than once in taxon', tax_id::VARCHAR
    FROM taxon
    GROUP BY tax_id
    HAVING count(*) > 1

    UNION ALL

    SELECT
        'unique keys',
        'a pair stands more than once in taxon_lineage',
        descendant_tax_id || ' under ' || ancestor_tax_id
    FROM taxon_lineage
    GROUP BY descendant_tax_id, ancestor_tax_id
    HAVING count(*) > 1

    UNION ALL

    SELECT 'no orphans', 'a record names a run that did not commit', source || ' ' || accession || ' of ' || run_id
    FROM virus_genome
    WHERE run_id NOT IN (SELECT run_id FROM ops.ingest_run WHERE status = 'success')

    UNION ALL

    SELECT 'no orphans', 'a record names a virus or host that taxon lacks', source || ' ' || accession
    FROM virus_genome
    WHERE
        virus_tax_id NOT IN (SELECT tax_id FROM taxon)
        OR host_tax_id NOT IN (SELECT tax_id FROM taxon)

    UNION ALL

    SELECT 'no orphans', 'a lineage names a taxon that taxon lacks', ancestor_tax_id::VARCHAR
    FROM taxon_lineage
    WHERE ancestor_tax_id NOT IN (SELECT tax_id FROM taxon)

    UNION ALL

    SELECT 'conservation', 'the lines of a report do not add up', run_id || ' ' || report
    FROM ops.ingest_report
    WHERE
        lines IS DISTINCT FROM
        inserted + revised + touched + unchanged + stale + duplicate + out_of_window + quarantined

    UNION ALL

    SELECT 'conservation', 'a committed run lost its report counts', run_id
    FROM ops.ingest_run
    WHERE status = 'success' AND run_id NOT IN (SELECT run_id FROM ops.ingest_report)

    UNION ALL

    SELECT 'history', 'a past state of a record overlaps the one after it', source || ' ' || accession
    FROM (
        SELECT source, accession, valid_from, valid_to FROM virus_genome_history
        UNION ALL
        SELECT source, accession, valid_from, NULL AS valid_to FROM virus_genome
    )
    QUALIFY valid_to > lead(valid_from) OVER (PARTITION BY source, accession ORDER BY valid_from)
)

SELECT gate, reason, count(*) AS rows_at_fault, list(example ORDER BY example)[:5] AS examples
FROM finding
GROUP BY gate, reason
ORDER BY gate, reason;
