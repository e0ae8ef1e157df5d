"""Compaction of the sequence store: many small parts become one, and letters that no sequence needs are dropped.

Each run that brings new sequences adds a part, so that a source that is loaded daily adds hundreds in a year, and a
query opens all of them.
"""

import hashlib
import logging
from dataclasses import dataclass, field
from functools import partial

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import REBUILD_COMMAND
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.private_files import private_files
from virus_warehouse.removal import Removed
from virus_warehouse.sequences.letters_file import LettersFile
from virus_warehouse.sequences.store import SequenceStore
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.merge_sequences import parts_named
from virus_warehouse.workplace import workplace

logger = logging.getLogger(__name__)

WRITER = "compaction"
"""The names of the parts begin with it."""

SMALL_LETTERS = 256 << 20
"""A part with fewer letters than this is small."""

FEWEST_PARTS = 8
"""So many small parts are worth a compaction."""

_AT_ONCE = 1000

_WAY_OUT = f"{REBUILD_COMMAND} stores the sequences again from the archived packages."


class PartDamaged(PermanentFailure):
    """A part of the sequence store has other letters than it should; nothing was changed."""


@dataclass(frozen=True)
class Compacted:
    """What a compaction did.

    Attributes:
        parts: the number of parts that became one; 0 if nothing was done.
        sequences: the number of distinct sequences in the new part.
        dropped: the number of distinct sequences that no record needed.
        removed: the files of old parts that were removed.
    """

    parts: int = 0
    sequences: int = 0
    dropped: int = 0
    removed: Removed = field(default=Removed(), compare=False)


@private_files()
def compact(warehouse: Warehouse, data: DataFolder, *, fewest_parts: int = FEWEST_PARTS) -> Compacted:
    """Write the letters of small parts to one part, beside running loads, and remove old parts that nothing names.

    The warehouse is locked twice, to look up what is where and to record what was moved. The files of the old parts are
    removed by later runs, days after. Published snapshots keep theirs.

    Args:
        warehouse: the warehouse.
        data: the data folder.
        fewest_parts: the number of small parts from which on they are compacted.

    Raises:
        PartDamaged: when a part has other letters than it should, or cannot be read.
        WarehouseLocked: when the warehouse stays in use for too long.
        DiskFull: when there is no space for the letters and the new part.
    """
    store = SequenceStore(data.sequences)
    drop = partial(store.drop_unnamed, keeps_rebuilt=warehouse.rebuilt_file(data).exists())
    with translate_resource_errors(data.root), workplace(data, WRITER, warehouse) as (session, temporary):
        with warehouse.transaction(session):
            small = [part for part, letters in _sizes(session) if letters < SMALL_LETTERS]
            is_worth_it = len(small) >= fewest_parts
            held = _look_up(session, small) if is_worth_it else 0
            named = parts_named(session)
        if not is_worth_it:
            return Compacted(removed=drop(named))
        with LettersFile(temporary / "sequence_letters") as letters:
            _read_letters(session, store, small, letters)
            store.write(session, letters, writer=WRITER, temporary=temporary)
        store.keep_for_now(small)
        with warehouse.transaction(session):
            run_sql(session, "warehouse/sql/move_letters.sql", {"parts": small})
            named = parts_named(session)
        removed = drop(named)
        ((moved,),) = session.execute("SELECT count(*) FROM letters_written").fetchall()
    logger.info("compacted %d parts of the sequence store: %d sequences moved", len(small), moved)
    return Compacted(len(small), moved, held - moved, removed)


def _look_up(session: DuckDBPyConnection, parts: list[str]) -> int:
    """Look up the letters in parts that sequences need -> letters_to_move; returns how many letters they have."""
    run_sql(session, "sequences/letters_written.sql")
    run_sql(session, "warehouse/sql/letters_to_move.sql", {"parts": parts})
    held = session.execute("SELECT count(*) FROM warehouse.ops.sequence_letters WHERE list_contains(?, part)", [parts])
    return int(held.fetchall()[0][0])


def _sizes(session: DuckDBPyConnection) -> list[tuple[str, int]]:
    """The parts, each with the number of its letters."""
    return session.execute("SELECT part, sum(length) FROM warehouse.ops.sequence_letters GROUP BY part").fetchall()


def _read_letters(session: DuckDBPyConnection, store: SequenceStore, parts: list[str], letters: LettersFile) -> None:
    """Copy the letters of `letters_to_move` to a file -> letters_to_write. Each sequence is checked."""
    expected = dict(session.execute("SELECT position, sha256 FROM letters_to_move").fetchall())
    offsets: dict[int, int] = {}
    try:
        read = run_sql(session, "sequences/letters_of_parts.sql", {"paths": [str(store.file(part)) for part in parts]})
        while some := read.fetchmany(_AT_ONCE):
            for position, sequence in some:
                if hashlib.sha256(sequence).digest() == expected[position]:
                    offsets[position] = letters.append(sequence)
    except duckdb.Error as error:
        raise PartDamaged(f"a part of {store.folder} cannot be read. {_WAY_OUT} DuckDB says: {error}") from error
    if len(offsets) != len(expected):
        raise PartDamaged(
            f"{store.folder} has other letters than it should for {len(expected) - len(offsets)} sequences. {_WAY_OUT}"
        )
    session.execute(
        "CREATE OR REPLACE TEMP TABLE letters_to_write AS "
        "SELECT position, sha256, letters_offset, length, ambiguous FROM letters_to_move "
        "INNER JOIN (SELECT unnest(?::BIGINT[]) AS position, unnest(?::BIGINT[]) AS letters_offset) USING (position)",
        [list(offsets), list(offsets.values())],
    )
