"""A DuckDB file and the write-ahead log beside it: the two belong together, and to no other file."""

from pathlib import Path


def log_of(file: Path) -> Path:
    """Where the write-ahead log of a DuckDB file lies, if there is one."""
    return file.with_name(f"{file.name}.wal")


def is_database(file: Path) -> bool:
    """Whether a file begins as DuckDB's do; it is not opened as one, which would take its lock."""
    with file.open("rb") as opened:
        return opened.read(12)[8:] == b"DUCK"


def move(file: Path, place: Path) -> None:
    """Move a DuckDB file, which nobody has open, with its log. A log that lies at the new place is another file's.

    DuckDB would replay it into the file that has come there.
    """
    log_of(place).unlink(missing_ok=True)
    if log_of(file).exists():
        log_of(file).rename(log_of(place))
    if file.exists():
        file.replace(place)
