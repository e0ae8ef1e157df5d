"""The gates before publication: a snapshot that does not pass them is not shown, and yesterday's stays."""

from collections.abc import Iterable

from virus_warehouse.sql_file import read_sql

GATES_SQL = "publish/sql/gates.sql"


class GateFailed(RuntimeError):
    """The candidate snapshot is not sound; what was published before stays published."""


def gates_sql() -> str:
    """The query that lists what must not be published, to be run on a candidate snapshot."""
    return read_sql(GATES_SQL)


def refuse_findings(findings: Iterable[tuple[str, str, int, list[str]]]) -> None:
    """Stop a publication for what the gates found.

    Args:
        findings: the rows of `gates_sql`: gate, reason, number of rows at fault, some of them.

    Raises:
        GateFailed: when there is any.
    """
    told = [
        f"{gate}: {reason} ({count} rows, such as {'; '.join(examples)})" for gate, reason, count, examples in findings
    ]
    if told:
        raise GateFailed(
            "Not published, the last good snapshot stays. "
            + " ".join(f"{text}." for text in told)
            + " The warehouse file holds the rows: look at them there, and report the fault."
        )
