"""Which files of a folder are as they are in its bucket, in SQLite, since several processes of a host share the folder.

Its file also marks the folder as a copy.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

NAME = ".bucket.sqlite3"

BUSY_SECONDS = 60

_TABLES = """
    CREATE TABLE IF NOT EXISTS copied_from (address TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS refreshed (at TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS file (
        path TEXT PRIMARY KEY,
        etag TEXT NOT NULL,
        modified_at TEXT,
        bytes INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        is_hollow INTEGER NOT NULL
    );
"""


@dataclass(frozen=True)
class Indexed:
    """A file that was as in the bucket when it was last sent, or fetched.

    Attributes:
        path: its path in the folder.
        etag: what the bucket called its contents.
        modified_at: when the bucket's was written; None as long as that has not been asked.
        bytes, mtime_ns: size and time of the file here.
        is_hollow: whether the file here has size and time only, and no contents yet.
    """

    path: str
    etag: str
    modified_at: datetime | None
    bytes: int
    mtime_ns: int
    is_hollow: bool = False


class Entries:
    """The entries of an index, in one transaction.

    Args:
        connection: its connection.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> dict[str, Indexed]:
        """All entries, by path."""
        return {row[0]: _entry(row) for row in self._connection.execute("SELECT * FROM file")}

    def get(self, path: str) -> Indexed | None:
        """The entry of a path; None without one."""
        row = self._connection.execute("SELECT * FROM file WHERE path = ?", [path]).fetchone()
        return _entry(row) if row else None

    def paths_in(self, place: str) -> list[str]:
        """The path of a file, or those of all files below a folder, as far as they have entries."""
        below = f"{place}/"
        rows = self._connection.execute(
            "SELECT path FROM file WHERE path = ? OR substr(path, 1, ?) = ?", [place, len(below), below]
        )
        return [path for (path,) in rows]

    def hollow_in(self, folder: str) -> list[str]:
        """The paths of the hollow files below a folder."""
        below = f"{folder}/"
        rows = self._connection.execute(
            "SELECT path FROM file WHERE is_hollow AND substr(path, 1, ?) = ?", [len(below), below]
        )
        return [path for (path,) in rows]

    def put(self, entry: Indexed) -> None:
        """Add an entry, or replace the one of its path."""
        moment = entry.modified_at.isoformat() if entry.modified_at else None
        values = (entry.path, entry.etag, moment, entry.bytes, entry.mtime_ns, entry.is_hollow)
        self._connection.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?)", values)

    def drop(self, path: str) -> None:
        """Remove the entry of a path, if there is one."""
        self._connection.execute("DELETE FROM file WHERE path = ?", [path])

    @property
    def refreshed_at(self) -> datetime | None:
        """When the folder was last compared with its bucket; None before the first time."""
        (last,) = self._connection.execute("SELECT max(at) FROM refreshed").fetchone()
        return datetime.fromisoformat(last) if last else None

    def note_refresh(self, moment: datetime) -> None:
        """Record when the folder was compared with its bucket."""
        self._connection.execute("DELETE FROM refreshed")
        self._connection.execute("INSERT INTO refreshed VALUES (?)", [moment.isoformat()])


class Index:
    """The index of a folder.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / NAME

    def create(self, address: str) -> str:
        """Create it, unless it is there; returns the address of which the folder is a copy.

        Args:
            address: of the bucket's folder.
        """
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
            connection.execute(
                "INSERT INTO copied_from SELECT ? WHERE NOT EXISTS (SELECT * FROM copied_from)", [address]
            )
        return self.address

    @property
    def address(self) -> str:
        """The address of the bucket's folder that this is a copy of."""
        with self._connection() as connection:
            return str(connection.execute("SELECT address FROM copied_from").fetchone()[0])

    @contextmanager
    def reading(self) -> Iterator[Entries]:
        """The entries, to read."""
        with self._connection() as connection:
            yield Entries(connection)

    @contextmanager
    def writing(self) -> Iterator[Entries]:
        """The entries, to change; no other process can meanwhile."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Entries(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # A new one each time: tasks are forked, and a connection must not be used on both sides of a fork.
        with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection


def _entry(row: tuple[str, str, str | None, int, int, int]) -> Indexed:
    path, etag, modified_at, size, mtime_ns, is_hollow = row
    moment = datetime.fromisoformat(modified_at) if modified_at else None
    return Indexed(path, etag, moment, size, mtime_ns, bool(is_hollow))
