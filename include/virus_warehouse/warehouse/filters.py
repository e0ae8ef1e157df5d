"""Which records a source's filters would show, as far as their own columns and the taxonomy tell.

When the filters change, a record that NCBI no longer lists may be one that the new filters leave out, or one that is
gone. Only the former ends for the filter's sake.
"""

from collections.abc import Iterator

from duckdb import DuckDBPyConnection

from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sql_file import sql_text

TRUSTED = 0.9
"""The share of the records listed, of those that tell what a condition is about, for which it must hold to be believed.

NCBI may read a filter otherwise, such as a host by a name of which we know nothing.
"""

_LINEAGES = "(FROM warehouse.main.taxon_lineage UNION ALL FROM taxon_lineage_seen)"
_NAMES = "(SELECT tax_id, name FROM warehouse.main.taxon UNION ALL SELECT tax_id, name FROM taxon_seen)"


def no_longer_shown(session: DuckDBPyConnection, source: str, request: VirusGenomeRequest) -> str:
    """A query for the accessions in `absent` that these filters leave out; to be called within a transaction.

    Args:
        session: with the warehouse attached, and the staged data report with its taxonomy.
        source: whose records.
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
        "SELECT accession FROM warehouse.main.virus_genome SEMI JOIN absent USING (accession) "
        f"WHERE source = {sql_text(source)} AND NOT ({' AND '.join(believed) or 'true'})"
    )


def _conditions(request: VirusGenomeRequest) -> Iterator[tuple[str, str]]:
    """What a record fulfils that the request shows, each with the column that it is about."""
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
    """Whether a record is of a taxon, at any rank, which is given by its tax id or by a name."""
    if taxon.isdigit():
        return f"{tax_id} IN (SELECT descendant_tax_id FROM {_LINEAGES} WHERE ancestor_tax_id = {taxon})"
    name = f"lower({sql_text(taxon)})"
    named = " OR ".join(f"lower({column}) = {name}" for column in names)
    return (
        f"{named} OR {tax_id} IN (SELECT descendant_tax_id FROM {_LINEAGES} "
        f"WHERE ancestor_tax_id IN (SELECT tax_id FROM {_NAMES} WHERE lower(name) = {name}))"
    )
