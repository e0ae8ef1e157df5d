"""The letters of all sequences, in Parquet files beside the warehouse.

Each distinct sequence is stored once. A file, called a part, is written by one run and never changed. Which part has
which letters is in `ops.sequence_letters`; a part that is not named there is of a run that never committed.
"""

import hashlib
import logging
import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.bucket.copy import filled, send
from virus_warehouse.removal import Removed, remove
from virus_warehouse.sequences.letters_file import LettersFile
from virus_warehouse.sql_file import sql_text

logger = logging.getLogger(__name__)

REBUILD = "rebuild"
"""The writer of the parts of a rebuild."""

KEPT_SECONDS = 2 * 24 * 3600
"""How long a part stays after it was written, or was last named: its run may be about to commit, and an earlier
warehouse be put back."""


@dataclass(frozen=True)
class SequenceStore:
    """The folder with the parts.

    Attributes:
        folder: the folder.
    """

    folder: Path

    def path(self, part: str) -> Path:
        """The file of a part."""
        return self.folder / part

    def file(self, part: str) -> Path:
        """The file of a part, to be opened.

        Raises:
            FileNotFoundError: when only a bucket had it, and has not any more.
            BucketUnavailable: when only a bucket has it, and cannot be read.
        """
        return filled(self.path(part))

    def keep_for_now(self, parts: Iterable[str]) -> None:
        """Let parts stay for `KEPT_SECONDS` from now. To be called before the commit after which nothing names them.

        Args:
            parts: the parts.
        """
        for part in parts:
            with suppress(FileNotFoundError):
                os.utime(self.path(part))
                send(self.path(part))

    def drop_unnamed(self, named: Collection[str], *, keeps_rebuilt: bool) -> Removed:
        """Remove old parts that the warehouse does not name.

        Args:
            named: the parts that it names.
            keeps_rebuilt: whether a rebuilt warehouse, which has not replaced this one, may name those of the rebuild.
        """
        oldest, removed = time.time() - KEPT_SECONDS, Removed()
        for path in self.folder.glob("*.parquet"):
            is_rebuilt = path.name.startswith(f"{REBUILD}-")
            with suppress(FileNotFoundError):  # another run may have removed it already
                if path.name not in named and path.stat().st_mtime < oldest and not (is_rebuilt and keeps_rebuilt):
                    removed += remove(path)
                    logger.info("removed %s: the warehouse does not name it", path)
        return removed

    def write(self, session: DuckDBPyConnection, letters: LettersFile, *, writer: str, temporary: Path) -> str | None:
        """Write a part with the letters of `letters_to_write`, and add them to `letters_written`.

        Args:
            session: has the temporary table `letters_to_write(position, sha256, letters_offset, length, ambiguous)`.
            letters: the letters.
            writer: the run that writes; the name of the part begins with it.
            temporary: a folder on the same disk.

        Returns:
            The name of the part; None when there is nothing to write.
        """
        from virus_warehouse.sequences.part_file import write_part  # it imports pyarrow, for runs with sequences only

        read = session.execute("SELECT letters_offset, length, sha256 FROM letters_to_write ORDER BY position")
        rows = read.fetchnumpy()
        offsets, lengths = rows["letters_offset"].tolist(), rows["length"].tolist()
        if not offsets:
            return None
        # The same letters in the same order are the same file: a rebuild finds the part that is there.
        part = f"{writer}-{hashlib.sha256(b''.join(rows['sha256'])).hexdigest()[:12]}.parquet"
        written = temporary / part
        write_part(written, part, letters.read(offsets, lengths))
        with written.open("rb") as file:
            os.fsync(file.fileno())
        written.chmod(0o440)  # it is never changed, and published snapshots have links to it
        written.replace(self.path(part))
        send(self.path(part))
        session.execute(
            f"INSERT INTO letters_written BY NAME SELECT {sql_text(part)} AS part, * EXCLUDE (letters_offset) "
            "FROM letters_to_write"
        )
        return part
