"""The merge: staged reports become rows of the attached warehouse, every line of them with an outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property

from duckdb import DuckDBPyConnection

from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.reports import data_report
from virus_warehouse.sources import Limits
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse import gates
from virus_warehouse.warehouse.census import find_absent, take_census, vanished, without_ended
from virus_warehouse.warehouse.end_records import end_records
from virus_warehouse.warehouse.filters import no_longer_shown
from virus_warehouse.warehouse.findings import end_findings, keep_findings
from virus_warehouse.warehouse.schema import OUTCOMES
from virus_warehouse.warehouse.session import all_threads
from virus_warehouse.warehouse.shares import shares


@dataclass(frozen=True)
class Acceptance:
    """What a person accepts knowingly of a full load, for one run.

    Attributes:
        missing: that many of the records held are not listed.
        emptied: that a field is empty which used to be filled.
    """

    missing: bool = False
    emptied: bool = False


@dataclass(frozen=True)
class Load:
    """What a merge has to know.

    Attributes:
        source: name of the source whose records they are.
        limits: what the source allows a full load.
        run_id: the run that loads them.
        mode: the run's mode: only a full one may judge how many records there are.
        is_census: whether a full load also concludes which records are missing.
        valid_from: the commit's time.
        requested_at: when the package was requested.
        is_newest_package: whether no committed run of the source has a package requested later.
        filter_changed: whether rows may be held that other filters showed.
        reports_changed: whether, with the same filters, other reports were asked for.
        request: the filters now; None where they are not known.
        since: first update date to be merged; None without a lower bound.
        until: update date before which is merged; None without an upper bound.
        accepts: what is accepted that would otherwise stop a full load.
    """

    source: str
    limits: Limits
    run_id: str
    mode: str
    is_census: bool
    valid_from: datetime
    requested_at: datetime
    is_newest_package: bool
    filter_changed: bool
    since: date | None
    until: date | None
    accepts: Acceptance = Acceptance()
    reports_changed: bool = False
    request: VirusGenomeRequest | None = None

    @cached_property
    def variables(self) -> dict[str, object]:
        """What the SQL of a merge reads of it."""
        return {
            "source": self.source,
            "run_id": self.run_id,
            "valid_from": self.valid_from,
            "requested_at": self.requested_at,
            "now": datetime.now(UTC),
            "is_newest_package": self.is_newest_package,
            "since": self.since,
            "until": self.until,
        }


def merge_data_report(session: DuckDBPyConnection, load: Load, lines: int) -> dict[str, int | None]:
    """Merge the staged data report, its refused lines and its taxonomy; to be called within a transaction.

    Args:
        session: holds the staged report, and the warehouse attached.
        load: how to merge it.
        lines: the report's lines, counted from its bytes.

    Returns:
        How many lines had each outcome; how many records are `withdrawn` and, in a census, `missing`.

    Raises:
        GateError: when lines are unaccounted for, when too many are unreadable, or when a full load lacks more
            of the records held, or of a field of them, than the source allows.
    """
    # Only the newest full package may judge what is there and what is not; a new source's first has nothing to judge.
    is_newest = load.is_newest_package and (load.is_census or _holds_any(session, load.source))
    is_judge = load.mode == "full" and is_newest
    with all_threads(session):
        run_sql(session, "warehouse/merge/01_nothing_compared.sql")
        for _ in shares(session, lines):
            run_sql(session, "warehouse/merge/02_classify.sql", load.variables)
        outcomes = _outcomes(session)
        gates.prove_conservation(lines, outcomes)
        if load.mode != "replay":
            gates.refuse_unreadable_report(lines, outcomes["quarantined"])
        if is_judge and outcomes["revised"] and not load.accepts.emptied:
            gates.refuse_emptied_fields(session, load.source, load.limits, lines)
        end_records(session, load.variables, "SELECT accession FROM line_outcome WHERE outcome = 'revised'", "revision")
        for _ in shares(session, outcomes["touched"]):
            run_sql(session, "warehouse/merge/04_move_dates.sql", load.variables)
        _choose_records_to_write(session, outcomes)
        run_sql(session, "warehouse/merge/05_write_records.sql", load.variables)
    gone: dict[str, int | None] = {"withdrawn": 0, "missing": None}
    if is_newest:
        run_sql(session, "warehouse/merge/06_listed.sql")
        for _ in shares(session, lines):
            run_sql(session, "warehouse/merge/07_found_again.sql", load.variables)
    if is_judge:
        gone |= _judge_absent(session, load, lines)
    run_sql(session, "warehouse/merge/10_merge_taxonomy.sql", load.variables)
    if load.mode == "full" and load.is_newest_package:
        end_findings(session, load.variables)
    told = {"lines": lines, **outcomes}
    keep_findings(session, load.variables, data_report.NAME, "line_outcome", told, is_replay=load.mode == "replay")
    return {**outcomes, **gone}


def _choose_records_to_write(session: DuckDBPyConnection, outcomes: Mapping[str, int]) -> None:
    """Make the view `record_to_write`, by naming the lines that are written or the others: memory is for the fewer."""
    written = "outcome IN ('inserted', 'revised')"
    is_lesser_part = 2 * (outcomes["inserted"] + outcomes["revised"]) < sum(outcomes.values())
    join, named = ("SEMI", written) if is_lesser_part else ("ANTI", f"NOT ({written})")
    session.execute(
        f"CREATE OR REPLACE TEMP VIEW record_to_write AS SELECT * FROM data_report {join} JOIN "
        f"(SELECT line FROM line_outcome WHERE {named}) AS named USING (line)"
    )


def _holds_any(session: DuckDBPyConnection, source: str) -> bool:
    found = session.execute("SELECT EXISTS (FROM warehouse.main.virus_genome WHERE source = ?)", [source]).fetchone()
    return found == (True,)


def _judge_absent(session: DuckDBPyConnection, load: Load, lines: int) -> dict[str, int]:
    absence = find_absent(session, load.variables, lines)
    if load.filter_changed:
        left_out = (
            no_longer_shown(session, load.source, load.request) if load.request else "SELECT accession FROM absent"
        )
        end_records(session, load.variables, left_out, "filter")
        absence = without_ended(session, load.source)
    if load.is_census:
        return take_census(session, load.variables, load.limits, absence, accepts_missing=load.accepts.missing)
    if gates.is_mass_loss(absence.absent, absence.held, load.limits) and not load.accepts.missing:
        gates.refuse_mass_loss(absence.absent, absence.held, load.source, load.limits, vanished(session))
    return {}


def _outcomes(session: DuckDBPyConnection) -> dict[str, int]:
    counted = session.execute(
        "SELECT outcome, count(*) FROM line_outcome GROUP BY outcome "
        "UNION ALL SELECT 'quarantined', count(*) FROM refused_line WHERE report = ?",
        [data_report.NAME],
    ).fetchall()
    return {**dict.fromkeys(OUTCOMES, 0), **dict(counted)}
