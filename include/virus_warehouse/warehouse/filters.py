"""Which records a source's filters match, judging by their own columns and the taxonomy.

When the filters change, a record that NCBI no longer lists may be excluded by the new filters, or missing. Only the
former ends because of the filters.
"""

from collections.abc import Iterator

from duckdb import DuckDBPyConnection

from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sql_file import sql_text

TRUSTED = 0.9
"""The share of the listed records (with a value in the column) that must fulfil a condition for it to be trusted.

NCBI may interpret a filter differently, such as a host given by an unknown name.
"""

_LINEAGES = "(FROM warehouse.main.taxon_lineage UNION ALL FROM taxon_lineage_seen)"
_NAMES = "(SELECT tax_id, name FROM warehouse.main.taxon UNION ALL SELECT tax_id, name FROM taxon_seen)"


def no_longer_shown(session: DuckDBPyConnection, source: str, request: VirusGenomeRequest) -> str:
    """A query for the accessions in `missing_record` that these filters exclude; to be called within a transaction.

    Args:
        session: with the warehouse attached, and the staged data report with its taxonomy.
        source: the source.
        request: the filters.
    """
    conditions = [(column, f"coalesce({condition}, false)") for column, condition in _conditions(request)]
    shares = ", ".join(f"avg(({condition})::INTEGER) FILTER ({column} IS NOT NULL)" for column, condition in conditions)
    (fulfilled,) = session.execute(f"SELECT {shares} FROM data_report").fetchall()
    believed = [
        condition
        for (_, condition), share in zip(conditions, fulfilled, strict=True)
        if share is None or share >= TRUSTED
    ]
    return (
        "SELECT accession FROM warehouse.main.virus_genome SEMI JOIN missing_record USING (accession) "
        f"WHERE source = {sql_text(source)} AND NOT ({' AND '.join(believed) or 'true'})"
    )


def _conditions(request: VirusGenomeRequest) -> Iterator[tuple[str, str]]:
    """The conditions of the request, each with the column that it tests."""
    yield "virus_tax_id", _under(request.taxon, "virus_tax_id", "virus_name", "virus_common_name")
    if request.host is not None:
        yield "host_tax_id", _under(request.host, "host_tax_id", "host_name", "host_common_name")
    if request.geo_location is not None:
        place = sql_text(request.geo_location)
        is_there = f"lower(geo_region) = lower({place}) OR starts_with(lower(geo_location), lower({place}))"
        yield "geo_location", is_there
    if request.usa_state is not None:
        yield "usa_state", f"usa_state = {sql_text(request.usa_state)}"
    if request.pangolin_classification is not None:
        yield "pango_lineage", f"pango_lineage = {sql_text(request.pangolin_classification)}"
    if request.released_since is not None:
        yield "release_date", f"release_date >= DATE '{request.released_since}'"
    if request.refseq_only:
        yield "source_database", "source_database = 'RefSeq'"
    if request.annotated_only:
        yield "is_annotated", "is_annotated"
    if request.complete_only:
        yield "completeness", "completeness = 'COMPLETE'"


def _under(taxon: str, tax_id: str, *names: str) -> str:
    """Whether a record is under a taxon of any rank, given by its tax id or name."""
    if taxon.isdigit():
        return f"{tax_id} IN (SELECT descendant_tax_id FROM {_LINEAGES} WHERE ancestor_tax_id = {taxon})"
    name = f"lower({sql_text(taxon)})"
    named = " OR ".join(f"lower({column}) = {name}" for column in names)
    return (
        f"{named} OR {tax_id} IN (SELECT descendant_tax_id FROM {_LINEAGES} "
        f"WHERE ancestor_tax_id IN (SELECT tax_id FROM {_NAMES} WHERE lower(name) = {name}))"
    )
