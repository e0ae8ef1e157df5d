"""The census: held records that a full package does not list become missing, and after `withdraw_after` censuses
withdrawn.

NCBI publishes no list of withdrawn records, and valid ones disappear for days and come back (NCBI issue #530): so it
takes a full package, two censuses, and a limited number of records at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from virus_warehouse.sources import LoadLimits
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse.end_records import end_records
from virus_warehouse.warehouse.load_gates import is_mass_loss, refuse_mass_loss
from virus_warehouse.warehouse.shares import shares


@dataclass(frozen=True)
class MissingRecords:
    """Counts of the held records that a full package does not list.

    Attributes:
        held: the records held before the load: those that it inserted cannot be missing, and must not hide a loss.
        missing: those that are not listed.
        eligible: the missing ones that the package could have listed.
        unaccepted: the eligible ones that no person has accepted as missing before.
    """

    held: int
    missing: int
    eligible: int
    unaccepted: int


def find_missing(session: DuckDBPyConnection, load: Mapping[str, object], lines: int, inserted: int) -> MissingRecords:
    """Compare the held records with a merged report; fills the temporary table `missing_record`.

    Args:
        session: with the warehouse attached.
        load: `Load.variables`.
        lines: the number of lines of the report.
        inserted: how many records it inserted.
    """
    for _ in shares(session, lines):
        run_sql(session, "warehouse/merge/08_missing.sql", load)
    return _counted(session, load["source"], inserted)


def without_ended(session: DuckDBPyConnection, source: str, inserted: int) -> MissingRecords:
    """The missing records, as from `find_missing`, without those of `record_to_end`, which are no longer held."""
    session.execute("DELETE FROM missing_record WHERE accession IN (SELECT record_to_end.accession FROM record_to_end)")
    return _counted(session, source, inserted)


def _counted(session: DuckDBPyConnection, source: object, inserted: int) -> MissingRecords:
    held, missing, eligible, unaccepted = session.execute(
        "SELECT (SELECT count(*) FROM warehouse.main.virus_genome WHERE source = ?), "
        "count(*), count(*) FILTER (is_eligible), count(*) FILTER (is_eligible AND NOT is_accepted) "
        "FROM missing_record",
        [source],
    ).fetchall()[0]
    return MissingRecords(held - inserted, missing, eligible, unaccepted)


def missing_accessions(session: DuckDBPyConnection) -> list[str]:
    """The first thousand accessions of missing records, for inspection."""
    rows = session.execute("SELECT accession FROM missing_record ORDER BY 1 LIMIT 1000").fetchall()
    return [accession for (accession,) in rows]


def take_census(
    session: DuckDBPyConnection,
    load: Mapping[str, object],
    limits: LoadLimits,
    missing: MissingRecords,
    *,
    accepts_missing: bool,
) -> dict[str, int]:
    """Mark records as missing, and withdraw those that enough censuses in a row have missed.

    Args:
        session: with the warehouse attached, and `missing_record` from `find_missing`.
        load: `Load.variables` of the census.
        limits: the limits of the source.
        missing: from `find_missing`.
        accepts_missing: whether a person accepts that so many are missing; later censuses do not count them again.

    Returns:
        How many of the eligible records are `missing` now, and how many are `withdrawn`.

    Raises:
        GateError: when more records are missing, new and pending together, than `max_missing` allows.
    """
    is_mass = is_mass_loss(missing.unaccepted, missing.held, limits)
    if is_mass and not accepts_missing:
        refuse_mass_loss(missing.unaccepted, missing.held, str(load["source"]), limits, missing_accessions(session))
    run_sql(
        session,
        "warehouse/merge/09_census.sql",
        {**load, "withdraw_after": limits.withdraw_after, "is_accepted": is_mass},
    )
    withdrawn = end_records(session, load, "SELECT accession FROM withdrawn", "withdrawal")
    return {"withdrawn": withdrawn, "missing": missing.eligible - withdrawn}
