"""The origin of columns: report and path of each column that NCBI fills."""

import re

from virus_warehouse.reports.biosample_report import FLATTENED
from virus_warehouse.reports.data_report import columns_by_path


def _snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


_RECORD = {
    # A field is staged as a column, or as an expression such as nullif(completeness, 'UNKNOWN').
    **{re.sub(r"nullif\((\w+), .*", r"\1", column): path for path, column in columns_by_path().items()},
    "accession": "accession",
    "version": "accession",
    "collection_date_min": "isolate.collectionDate",
    "collection_date_max": "isolate.collectionDate",
    "collection_date_precision": "isolate.collectionDate",
    "country": "location.geographicLocation",
    "country_code": "location.geographicLocation",
    "division": "location.geographicLocation",
}

_LINEAGES = "virus.lineage[], host.lineage[]"

_SEQUENCE = {
    "nucleotide_accession_version": "nucleotide.accessionVersion",
    "nucleotide_ranges": "nucleotide.range[]",
    "nucleotide_sequence_hash": "nucleotide.sequenceHash",
}

_PROTEIN = {
    **_SEQUENCE,
    "accession_version": "accession",
    "name": "name",
    "other_names": "otherNames[]",
    "protein_accession_version": "protein.accessionVersion",
    "protein_ranges": "protein.range[]",
    "protein_sequence_hash": "protein.sequenceHash",
    "completeness": "proteinCompleteness",
    "uniprot_id": "uniProtKb.id",
    "uniprot_name": "uniProtKb.name",
    "pdb_ids": "pdbIds[]",
    "conserved_domains": "cdd[]",
}
"""Of a coding region; a mature peptide has the same fields below maturePeptide[]."""

ORIGINS: dict[str, tuple[str, dict[str, str]]] = {
    "virus_genome": ("data_report", _RECORD),
    "virus_genome_history": ("data_report", _RECORD),
    "taxon": ("data_report", {"tax_id": _LINEAGES, "name": _LINEAGES}),
    "taxon_lineage": ("data_report", dict.fromkeys(("descendant_tax_id", "ancestor_tax_id", "depth"), _LINEAGES)),
    "virus_annotation": (
        "annotation_report",
        {"accession": "accession", "accession_version": "accession", "isolate_name": "isolateName"},
    ),
    "virus_gene": (
        "annotation_report",
        {
            "accession": "accession",
            "gene_number": "genes[]",
            "name": "genes[].name",
            "gene_id": "genes[].geneId",
            **{column: f"genes[].{path}" for column, path in _SEQUENCE.items()},
        },
    ),
    "virus_protein": (
        "annotation_report",
        {
            "accession": "accession",
            "gene_number": "genes[]",
            "protein_number": "genes[].cds[]",
            "parent_protein_number": "genes[].cds[].maturePeptide[]",
            "kind": "genes[].cds[].maturePeptide[]",
            **{column: f"genes[].cds[].{path}" for column, path in _PROTEIN.items()},
        },
    ),
    "biosample": (
        "biosample_report",
        {
            "accession": "accession",
            "title": "description.title",
            "comment": "description.comment",
            "tax_id": "description.organism.taxId",
            "organism_name": "description.organism.organismName",
            "owner_name": "owner.name",
            "owner_labs": "owner.contacts[].lab",
            "package": "package",
            "models": "models[]",
            "bioprojects": "bioprojects[].accession",
            "bioproject_descriptions": "bioprojects[]",
            "sample_ids": "sampleIds[]",
            "status": "status.status",
            "status_when": "status.when",
            "submission_date": "submissionDate",
            "publication_date": "publicationDate",
            "last_updated": "lastUpdated",
            **{_snake_case(name): name for name in FLATTENED},
        },
    ),
    "biosample_attribute": (
        "biosample_report",
        {
            "accession": "accession",
            "attribute_number": "attributes[]",
            "name": "attributes[].name",
            "value": "attributes[].value",
            "value_clean": "attributes[].value",
        },
    ),
}
"""For each table of a report: the report, and the path of each column. Other columns are the warehouse's own."""
