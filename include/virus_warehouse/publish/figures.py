"""The figures of a snapshot, for those who watch an installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from virus_warehouse.publish.about import snapshot_facts
from virus_warehouse.sql_file import run_sql


@dataclass(frozen=True)
class SourceFigures:
    """The figures of a source that is followed.

    Attributes:
        source: its name.
        records: the records held.
        quarantine_open: open lines in the quarantine.
        unknown_fields: fields and reports that this version does not read, and that nobody has acknowledged.
        is_held_back: whether its last published state is shown.
        loaded_at: commit time of the newest load that is shown; None without one.
    """

    source: str
    records: int
    quarantine_open: int
    unknown_fields: int
    is_held_back: bool
    loaded_at: datetime | None


@dataclass(frozen=True)
class SnapshotFigures:
    """The figures of a snapshot.

    Attributes:
        made_at: when its publication began.
        sources: the figures of each source.
    """

    made_at: datetime
    sources: Sequence[SourceFigures]


def snapshot_figures(snapshot: Path) -> SnapshotFigures:
    """Read the figures of a published snapshot.

    Args:
        snapshot: the file.
    """
    with duckdb.connect(snapshot, read_only=True) as connection:
        made_at = datetime.fromisoformat(snapshot_facts(connection)["made_at"])
        rows = run_sql(connection, "publish/sql/figures.sql").fetchall()
    return SnapshotFigures(made_at, [SourceFigures(*row) for row in rows])
