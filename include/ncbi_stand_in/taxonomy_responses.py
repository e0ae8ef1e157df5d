"""The taxonomy calls that NCBI's client makes before it requests virus data (contract notes, section 7)."""

from itertools import islice

from ncbi_stand_in.protobuf_json import encode, without_defaults
from ncbi_stand_in.query import InvalidArgumentError, read_message
from ncbi_stand_in.taxa import ROOT_TAX_ID, TAXONOMY, Taxon

MAX_SUGGESTIONS = 20


def taxon_suggestions(body: bytes) -> str:
    """The taxa that match a text (message SciNameAndIds); raises InvalidArgumentError.

    Only the query's text and `exact_match` have an effect. An unknown name gets no taxon, for which NCBI's client
    has its own error message.
    """
    message = read_message(body)
    text = message.get("taxon_query") or message.get("organism_query")
    if not isinstance(text, str):
        raise InvalidArgumentError("taxon_query must be given")
    taxon = TAXONOMY.find(text)
    taxa = [taxon] if taxon else []
    if not taxa and not message.get("exact_match"):
        taxa = list(islice(TAXONOMY.starting_with(text), MAX_SUGGESTIONS))
    return encode(without_defaults({"sci_name_and_ids": [_suggestion(taxon, text) for taxon in taxa]}))


def taxonomy_report_page(body: bytes) -> str:
    """The requested taxa with their parents (message TaxonomyDataReportPage); raises InvalidArgumentError."""
    names = read_message(body).get("taxons")
    if not isinstance(names, list) or not names:
        raise InvalidArgumentError("taxons must be given")
    return encode({"reports": [_report(str(name)) for name in names], "total_count": len(names)})


def _suggestion(taxon: Taxon, text: str) -> dict[str, object]:
    return without_defaults(
        {
            "sci_name": taxon.name,
            "tax_id": str(taxon.tax_id),
            "common_name": taxon.common_name,
            "matched_term": text,
            "rank": taxon.rank,
        }
    )


def _report(name: str) -> dict[str, object]:
    taxon = TAXONOMY.find(name)
    if taxon is None:
        message = f"The taxonomy name '{name}' is not recognized."
        return {"query": [name], "errors": [{"taxonomy_error_code": "INVALID_TAXONOMY_TAXON", "message": message}]}
    node = {
        "tax_id": taxon.tax_id,
        "rank": taxon.rank,
        "current_scientific_name": {"name": taxon.name},
        "curator_common_name": taxon.common_name,
        "parents": [ROOT_TAX_ID, *(ancestor.tax_id for ancestor in taxon.ancestors)],
        "children": [child.tax_id for child in TAXONOMY.children(taxon)],
    }
    return {"query": [name], "taxonomy": without_defaults(node)}
