"""What a rebuilt warehouse lacks beside the old one."""

from dataclasses import astuple, dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Lost:
    """How much of a source the new file lacks.

    Attributes:
        records: held records.
        missing: records that are missing: their status is not in the new file.
        history: past states of records.
        withdrawn: the past states that ended with a withdrawal.
        runs: committed runs of the ledger. Failed runs are in no archive, and not counted.
    """

    records: int
    missing: int
    history: int
    withdrawn: int
    runs: int

    def __str__(self) -> str:
        names = ("held records", "missing records", "history rows", "withdrawn records", "runs")
        return ", ".join(f"{name}: {count:,}" for name, count in zip(names, astuple(self), strict=True) if count)


def find_losses(session: DuckDBPyConnection, old: Warehouse, new: Path) -> dict[str, Lost]:
    """What the new file lacks, by source; sources that lost nothing are left out.

    Args:
        session: a private session, with neither attached.
        old: the old warehouse, also one that is too old to be migrated.
        new: the rebuilt file, which nothing has open.

    Raises:
        duckdb.Error: when the old one cannot be read.
    """
    session.execute(f"ATTACH {sql_text(new)} AS rebuilt (READ_ONLY)")
    with old.transaction(session, even_too_old=True):
        rows = run_sql(session, "warehouse/sql/losses.sql").fetchall()
    return {source: Lost(*counts) for source, *counts in rows}
