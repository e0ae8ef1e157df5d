"""A DuckDB file and its write-ahead log, which belong together."""

from pathlib import Path

REBUILD_COMMAND = "`virus-warehouse rebuild --from-oldest`, with `--replace` if the warehouse is a file,"
"""For messages where it may be a lake, too, which is not replaced."""


def log_of(file: Path) -> Path:
    """The path of a DuckDB file's write-ahead log."""
    return file.with_name(f"{file.name}.wal")


def rebuilt_of(warehouse: Path) -> Path:
    """Where a rebuild makes the new file of a warehouse."""
    return warehouse.with_name("warehouse.rebuilt.duckdb")


def is_database(file: Path) -> bool:
    """Whether a file has DuckDB's magic bytes; opening it as a database would take its lock."""
    with file.open("rb") as opened:
        return opened.read(12)[8:] == b"DUCK"


def move(file: Path, place: Path) -> None:
    """Move a DuckDB file that is not open, with its log. A stale log at the destination is removed first.

    DuckDB would replay it into the moved file.
    """
    log_of(place).unlink(missing_ok=True)
    if log_of(file).exists():
        log_of(file).rename(log_of(place))
    if file.exists():
        file.replace(place)
