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

    SELECT 'unique keys', 'a genome has more than one annotation', source || ' ' || accession
    FROM virus_annotation
    GROUP BY source, accession
    HAVING count(*) > 1

    UNION ALL

    SELECT 'unique keys', 'a gene of a genome stands more than once', source || ' ' || accession || ' ' || gene_number
    FROM virus_gene
    GROUP BY source, accession, gene_number
    HAVING count(*) > 1

    UNION ALL

    SELECT
        'unique keys',
        'a protein of a genome stands more than once',
        source || ' ' || accession || ' ' || protein_number
    FROM virus_protein
    GROUP BY source, accession, protein_number
    HAVING count(*) > 1

    UNION ALL

    SELECT 'unique keys', 'a BioSample of a source stands more than once', source || ' ' || accession
    FROM biosample
    GROUP BY source, accession
    HAVING count(*) > 1

    UNION ALL

    SELECT
        'unique keys',
        'an attribute of a BioSample stands more than once',
        source || ' ' || accession || ' ' || attribute_number
    FROM biosample_attribute
    GROUP BY source, accession, attribute_number
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

    SELECT
        'no orphans',
        'an annotation or a BioSample names a run that did not commit',
        source || ' ' || accession || ' of ' || run_id
    FROM (
        SELECT source, accession, run_id FROM virus_annotation
        UNION ALL
        SELECT source, accession, run_id FROM biosample
    )
    WHERE run_id NOT IN (SELECT run_id FROM ops.ingest_run WHERE status = 'success')

    UNION ALL

    SELECT 'no orphans', 'an annotation is of no genome version that is held', source || ' ' || accession_version
    FROM virus_annotation
    ANTI JOIN virus_genome USING (source, accession, accession_version)

    UNION ALL

    SELECT 'no orphans', 'a gene is of no annotation that is held', source || ' ' || accession || ' ' || gene_number
    FROM virus_gene
    ANTI JOIN virus_annotation USING (source, accession)

    UNION ALL

    SELECT
        'no orphans',
        'a protein is of no gene that is held',
        source || ' ' || accession || ' ' || protein_number
    FROM virus_protein
    ANTI JOIN virus_gene USING (source, accession, gene_number)

    UNION ALL

    SELECT
        'no orphans',
        'a mature peptide is of no coding region that is held',
        peptide.source || ' ' || peptide.accession || ' ' || peptide.protein_number
    FROM virus_protein AS peptide
    ANTI JOIN virus_protein AS parent
        ON
            peptide.source = parent.source
            AND peptide.accession = parent.accession
            AND peptide.parent_protein_number = parent.protein_number
            AND parent.kind = 'coding_region'
    WHERE peptide.kind = 'mature_peptide'

    UNION ALL

    SELECT
        'no orphans',
        'an attribute is of no BioSample that is held',
        source || ' ' || accession || ' ' || attribute_number
    FROM biosample_attribute
    ANTI JOIN biosample USING (source, accession)

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
