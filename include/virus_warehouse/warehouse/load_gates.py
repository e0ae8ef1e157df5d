"""The gates of a load: staged data that do not pass them are not committed."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping

from duckdb import DuckDBPyConnection

from virus_warehouse.failure import Failure
from virus_warehouse.reports.data_report import columns_by_path
from virus_warehouse.sources import LoadLimits
from virus_warehouse.sql_file import sql_text
from virus_warehouse.warehouse.shares import shares
from virus_warehouse.wording import counted

logger = logging.getLogger(__name__)

MAX_QUARANTINED = 0.5
"""Largest share of unreadable lines of a report; beyond it the format has probably changed."""

FEW_LINES = FEW_RECORDS = 10
"""Shares of fewer lines or records than this stop nothing."""


FORM_FIELDS = {"missing": "Accept missing records", "emptied": "Accept emptied fields"}
"""Titles of the form fields in Airflow in which a person accepts what would stop a full load."""


def ways_to_accept(what: str) -> str:
    """How a person accepts it for one run: with the command, with make, and in the trigger form.

    Args:
        what: a key of `FORM_FIELDS`.
    """
    return f'`--accept {what}`, with make `ACCEPT_{what.upper()}=1`, in the form of the DAG "{FORM_FIELDS[what]}"'


def _ways_to_load(source: str, what: str) -> str:
    return (
        f"load the archived package (answer the required action in Airflow, or `virus-warehouse approve {source}`), "
        f"or download another and accept it once ({ways_to_accept(what)})"
    )


class GateError(Failure):
    """The staged data must not be committed; the transaction is rolled back.

    Attributes:
        acceptable: what a person may accept so that they are committed; a key of `FORM_FIELDS`. None for a fault.
        missing: accessions of held records that NCBI no longer lists, where that is the reason.
    """

    acceptable: str | None = None
    missing: list[str] | None = None


def prove_conservation(lines: int, outcomes: dict[str, int], file_name: str, *, what: str = "line") -> None:
    """Check that every line of a report, or record of a FASTA file, has exactly one outcome.

    Raises:
        GateError: when one has none, or several.
    """
    if lines != sum(outcomes.values()):
        outcome_sum = " + ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if count)
        raise GateError(
            f"conservation: {counted(lines, what)} in {file_name}, but {outcome_sum or 'none'} = "
            f"{sum(outcomes.values())}. Nothing was loaded. This is a bug in the warehouse: please report it "
            f"with the run's package."
        )


def refuse_unreadable_report(lines: int, quarantined: int, file_name: str) -> None:
    """Check that most lines of a report can be read.

    Raises:
        GateError: when more than `MAX_QUARANTINED` of them cannot.
    """
    if quarantined > max(FEW_LINES, lines * MAX_QUARANTINED):
        raise GateError(
            f"quarantine share: {quarantined} of {lines} lines of {file_name} cannot be read, more than "
            f"{MAX_QUARANTINED:.0%}. Nothing was loaded. NCBI has probably changed the report: look at the archived "
            f"package, and update virus-warehouse."
        )


def refuse_emptied_fields(session: DuckDBPyConnection, source: str, limits: LoadLimits, lines: int) -> None:
    """Check that a full package has not lost a field that used to be filled.

    NCBI has emptied fields of many records at once (NCBI issue #533). Each such record would become a revision.

    Args:
        session: with the warehouse attached, and every line classified: only revised records can have lost a field.
        source: the source.
        limits: the limits of the source.
        lines: the number of lines of the report.

    Raises:
        GateError: when that is so for more than `max_emptied` of the records that had the field.
    """
    columns = columns_by_path()
    lost = _lost(session, source, columns, lines)
    suspects = {path: columns[path] for path, count in lost.items() if count >= FEW_RECORDS}
    losses = {
        path: (lost[path] > had * limits.max_emptied, f"{path} (of {had} records that had it, {lost[path]} lost it)")
        for path, had in _had(session, source, suspects, lines).items()
    }
    few = [words for is_many, words in losses.values() if not is_many]
    emptied = [words for is_many, words in losses.values() if is_many]
    if few:
        logger.warning("NCBI's full list of %s has lost values of %s", source, ", ".join(few))
    if emptied:
        error = GateError(
            f"emptied fields: NCBI's full list of {source} has lost values of {', '.join(emptied)}: more than "
            f"{limits.max_emptied:.0%}. Nothing was loaded: NCBI has emptied fields before (NCBI issue #533). If it is "
            f"intended, {_ways_to_load(source, 'emptied')}, or raise max_emptied of the source."
        )
        error.acceptable = "emptied"
        raise error


def _lost(session: DuckDBPyConnection, source: str, columns: Mapping[str, str], lines: int) -> Counter[str]:
    """How many of the records to be revised lose a field, by the field's path."""
    # A bit per field, computed in one pass: joining as many columns would take several times the memory.
    filled = " | ".join(f"((({column}) IS NOT NULL)::UBIGINT << {bit})" for bit, column in enumerate(columns.values()))
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE staged_filled AS SELECT line_number, accession, {filled} AS filled "
        "FROM data_report"
    )
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE held_filled AS SELECT accession, {filled} AS filled "
        "FROM warehouse.main.virus_genome WHERE source = ?",
        [source],
    )
    counts = ", ".join(f"count(*) FILTER ((lost >> {bit}) & 1 = 1)" for bit in range(len(columns)))
    query = f"""
        SELECT {counts}
        FROM (
            SELECT held.filled & ~staged.filled AS lost
            FROM (SELECT line_number FROM line_outcome WHERE outcome = 'revised' AND in_share(accession))
            INNER JOIN (SELECT * FROM staged_filled WHERE in_share(accession)) AS staged USING (line_number)
            INNER JOIN (SELECT * FROM held_filled WHERE in_share(accession)) AS held USING (accession)
        )
        """
    return _counted_in_shares(session, query, columns, lines)


def _had(session: DuckDBPyConnection, source: str, columns: Mapping[str, str], lines: int) -> Counter[str]:
    """How many of the held records that are listed have a field, by the field's path."""
    if not columns:
        return Counter()
    counts = ", ".join(f"count({column})" for column in columns.values())
    query = f"""
        SELECT {counts}
        FROM warehouse.main.virus_genome AS held
        SEMI JOIN (SELECT accession FROM data_report WHERE in_share(accession)) AS staged USING (accession)
        WHERE source = {sql_text(source)}
        """
    return _counted_in_shares(session, query, columns, lines)


def _counted_in_shares(session: DuckDBPyConnection, query: str, columns: Iterable[str], lines: int) -> Counter[str]:
    counted: Counter[str] = Counter()
    for _ in shares(session, lines):
        counted.update(dict(zip(columns, session.execute(query).fetchall()[0], strict=True)))
    return counted


def is_mass_loss(missing: int, held: int, limits: LoadLimits) -> bool:
    """Whether so many held records are missing that a fault at NCBI is more likely."""
    return missing >= FEW_RECORDS and missing > held * limits.max_missing


def refuse_mass_loss(missing: int, held: int, source: str, limits: LoadLimits, accessions: list[str]) -> None:
    """Stop a load because of missing records.

    Raises:
        GateError: always.
    """
    error = GateError(
        f"missing records: NCBI's full list of {source} lacks {missing} of the {held} held records, more than "
        f"{limits.max_missing:.0%}, such as {', '.join(accessions[:5])}. Nothing was loaded: NCBI has dropped good "
        f"records before (NCBI issue #530). If it is intended, {_ways_to_load(source, 'missing')}, or raise "
        f"max_missing of the source."
    )
    error.acceptable, error.missing = "missing", accessions
    raise error
