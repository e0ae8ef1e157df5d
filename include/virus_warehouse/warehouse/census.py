"""The census: what a full package does not list is missing, and after `withdraw_after` censuses withdrawn.

NCBI has no list of withdrawn records, and good ones vanish for days and come back (NCBI issue #530): so only a full
package is believed, only twice, and never for many records at once.
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
class Absence:
    """The records held that a full package does not list, in numbers.

    Attributes:
        held: records held.
        absent: those that are not listed.
        classified: the absent ones that the package could have shown.
        unaccepted: the classified ones that no person has accepted as missing before.
    """

    held: int
    absent: int
    classified: int
    unaccepted: int


def find_absent(session: DuckDBPyConnection, load: Mapping[str, object], lines: int) -> Absence:
    """Compare the records held with those that a report of so many lines lists; fills the temporary table `absent`."""
    for _ in shares(session, lines):
        run_sql(session, "warehouse/merge/08_absent.sql", load)
    return _counted(session, load["source"])


def without_ended(session: DuckDBPyConnection, source: str) -> Absence:
    """What is absent still, now that the records of `record_to_end` are no longer held."""
    session.execute("DELETE FROM absent WHERE accession IN (SELECT record_to_end.accession FROM record_to_end)")
    return _counted(session, source)


def _counted(session: DuckDBPyConnection, source: object) -> Absence:
    held, absent, classified, unaccepted = session.execute(
        "SELECT (SELECT count(*) FROM warehouse.main.virus_genome WHERE source = ?), "
        "count(*), count(*) FILTER (is_judged), count(*) FILTER (is_judged AND NOT is_accepted) FROM absent",
        [source],
    ).fetchall()[0]
    return Absence(held, absent, classified, unaccepted)


def vanished(session: DuckDBPyConnection) -> list[str]:
    """Accessions of absent records, the first thousand: for a person to look at."""
    return [
        accession for (accession,) in session.execute("SELECT accession FROM absent ORDER BY 1 LIMIT 1000").fetchall()
    ]


def take_census(
    session: DuckDBPyConnection,
    load: Mapping[str, object],
    limits: LoadLimits,
    absence: Absence,
    *,
    accepts_missing: bool,
) -> dict[str, int]:
    """Mark the absent records as missing, and move those to the history that enough censuses have missed in a row.

    Args:
        session: with the warehouse attached, and `absent` from `find_absent`.
        load: `Load.variables` of the census.
        limits: what the source allows.
        absence: what `find_absent` found.
        accepts_missing: whether a person accepts that so many are missing. They count no more at later censuses.

    Returns:
        How many records are `missing` now, of those absent, and how many are `withdrawn`.

    Raises:
        GateError: when more records vanish, new and pending together, than `max_missing` allows.
    """
    is_mass = is_mass_loss(absence.unaccepted, absence.held, limits)
    if is_mass and not accepts_missing:
        refuse_mass_loss(absence.unaccepted, absence.held, str(load["source"]), limits, vanished(session))
    run_sql(
        session,
        "warehouse/merge/09_census.sql",
        {**load, "withdraw_after": limits.withdraw_after, "is_accepted": is_mass},
    )
    withdrawn = end_records(session, load, "SELECT accession FROM withdrawn", "withdrawal")
    return {"withdrawn": withdrawn, "missing": absence.classified - withdrawn}
