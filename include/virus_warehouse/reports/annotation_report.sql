-- Parts of annotation_report.jsonl -> rows_of(paths): one row per line, in order, with typed genes.
-- Reads the variable report_columns, and fails at the first line it cannot read.
CREATE OR REPLACE MACRO range_of(given) AS {
    'begin': whole_number(given."begin"),
    'end': whole_number(given."end"),
    'orientation': coalesce(given.orientation, 'none'),
    'order': number_in(given."order"),
    'ribosomal_slippage': number_in(given.ribosomalSlippage)
};

CREATE OR REPLACE MACRO ranges_of(given) AS list_transform(given, LAMBDA item: range_of(item));

-- seqId and title repeat accession, ranges, names and isolate.
CREATE OR REPLACE MACRO protein_of(given) AS {
    'name': given.name,
    'other_names': given.otherNames,
    'accession_version': given.accession,
    'nucleotide_accession_version': given.nucleotide.accessionVersion,
    'nucleotide_ranges': ranges_of(given.nucleotide."range"),
    'nucleotide_sequence_hash': given.nucleotide.sequenceHash,
    'protein_accession_version': given.protein.accessionVersion,
    'protein_ranges': ranges_of(given.protein."range"),
    'protein_sequence_hash': given.protein.sequenceHash,
    'completeness': coalesce(given.proteinCompleteness, 'UNKNOWN'),
    'uniprot_id': given.uniProtKb.id,
    'uniprot_name': given.uniProtKb.name,
    'pdb_ids': given.pdbIds,
    'conserved_domains': list_transform(
        given.cdd,
        LAMBDA domain: { 'accession': domain.accession, 'name': domain.name, 'range': range_of(domain."range") }
    )
};

CREATE OR REPLACE MACRO genes_of(given) AS list_transform(
    given,
    LAMBDA gene: {
        'name': gene.name,
        'gene_id': number_in(gene.geneId),
        'nucleotide_accession_version': gene.nucleotide.accessionVersion,
        'nucleotide_ranges': ranges_of(gene.nucleotide."range"),
        'nucleotide_sequence_hash': gene.nucleotide.sequenceHash,
        'coding_regions': list_transform(
            gene.cds,
            LAMBDA region: {
                'protein': protein_of(region),
                'mature_peptides': list_transform(region.maturePeptide, LAMBDA peptide: protein_of(peptide))
            }
        )
    }
);

-- The proteins of each coding region of each gene: itself, and the mature peptides that are cut from it.
CREATE OR REPLACE MACRO family_sizes_of(given) AS list_transform(
    given, LAMBDA gene: list_transform(gene.cds, LAMBDA region: 1 + len(coalesce(region.maturePeptide, [])))
);

CREATE OR REPLACE TEMP MACRO rows_of(paths) AS TABLE
WITH given AS (
    SELECT
        line.accession AS accession_version,
        line.isolateName AS isolate_name,
        genes_of(line.genes) AS genes,
        family_sizes_of(line.genes) AS family_sizes,
        names_and_texts_read(*COLUMNS(line.*)) AS names_and_texts
    FROM read_json(
        paths, format = 'newline_delimited', columns = getvariable('report_columns'), maximum_object_size = 16777216
    ) AS line
)

SELECT
    split_part(accession_version, '.', 1) AS accession,
    try_cast(split_part(accession_version, '.', 2) AS INTEGER) AS version,
    *,
    content_hash({ 'accession_version': accession_version, 'isolate_name': isolate_name, 'genes': genes })
        AS annotation_hash,
    -- Why a readable line is invalid; NULL for a valid one.
    CASE
        WHEN accession_version IS NULL THEN 'accession: absent'
        WHEN NOT regexp_full_match(accession_version, '[A-Za-z0-9_]+\.[0-9]+') OR version IS NULL
            THEN 'accession: not of the form accession.version'
    END AS refusal
FROM given;
