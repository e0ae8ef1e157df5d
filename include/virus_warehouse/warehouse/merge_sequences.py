"""The merge of a package's sequences: held against their reports, their letters stored, each counted."""

from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.sequences.molecule import GENOME, Molecule, molecules_of
from virus_warehouse.sequences.staging import StagedSequences
from virus_warehouse.sequences.store import SequenceStore
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse import ledger, load_gates
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.load import Load
from virus_warehouse.warehouse.run_record import SEQUENCE_OUTCOMES

SequenceCounts = dict[str, int]


def store_letters(
    session: DuckDBPyConnection, warehouse: Warehouse, staged: StagedSequences, store: SequenceStore, *, writer: str
) -> None:
    """Write the letters that the store lacks, before the merge: the warehouse is locked only to look up which.

    Args:
        session: has the staged reports and sequences.
        warehouse: the warehouse.
        staged: the sequences.
        store: where their letters are stored.
        writer: the run that writes them.
    """
    run_sql(session, "warehouse/merge/40_sequence_entry.sql")
    if not staged.records:
        return
    with warehouse.transaction(session):
        run_sql(session, "warehouse/merge/41_letters_held.sql")
    _write_new_letters(session, staged, store, writer)


def parts_named(session: DuckDBPyConnection) -> set[str]:
    """The parts of the sequence store that the warehouse names; to be called within a transaction."""
    named = session.execute("SELECT DISTINCT part FROM warehouse.ops.sequence_letters").fetchall()
    return {part for (part,) in named}


def merge_sequences(
    session: DuckDBPyConnection, load: Load, staged: StagedSequences, store: SequenceStore, *, writer: str
) -> dict[str, SequenceCounts]:
    """Merge the staged sequences, after the reports of their package; to be called within a transaction.

    Where none were requested, as in a census, the records that lack theirs are noted.

    Args:
        session: as `store_letters` left it, with the warehouse attached.
        load: the parameters of the merge.
        staged: the sequences.
        store: where their letters are stored.
        writer: the run that writes them.

    Returns:
        For each molecule the number of its `records` and of each outcome, and how many genomes of the data report are
        `missing`.

    Raises:
        GateError: when entries are unaccounted for.
    """
    # Letters that were in the store when `store_letters` looked may be gone, after a source was forgotten.
    run_sql(session, "warehouse/merge/41_letters_held.sql")
    if staged.records:
        _write_new_letters(session, staged, store, writer)
    run_sql(session, "warehouse/merge/43_sequence_outcome.sql", load.variables)
    run_sql(session, "warehouse/merge/44_write_sequences.sql", load.variables)
    asked = molecules_of(load.request.include_sequence) if load.request else staged.records
    given = {
        "asks_for_genomes": GENOME in asked,
        "has_sequences": bool(staged.records),
        "is_full": load.is_full and load.is_newest_package and bool(staged.records),
    }
    run_sql(session, "warehouse/merge/45_sequence_mismatches.sql", load.variables | given)
    counts = {}
    for molecule, records in staged.records.items():
        outcomes = _outcomes(session, molecule)
        load_gates.prove_conservation(records, outcomes, molecule.file_name, what="record")
        counted = {"records": records, **outcomes, "missing": _missing(session) if molecule is GENOME else 0}
        ledger.insert_sequences(session, load.run_id, load.source, molecule.name, counted)
        counts[molecule.name] = counted
    return counts


def _write_new_letters(session: DuckDBPyConnection, staged: StagedSequences, store: SequenceStore, writer: str) -> None:
    run_sql(session, "warehouse/merge/42_letters_to_write.sql")
    temporary: Path = staged.letters.path.parent
    store.write(session, staged.letters, writer=writer, temporary=temporary)


def _outcomes(session: DuckDBPyConnection, molecule: Molecule) -> dict[str, int]:
    counted = session.execute(
        "SELECT outcome, count(*) FROM sequence_outcome WHERE molecule = ? GROUP BY outcome", [molecule.name]
    ).fetchall()
    return {**dict.fromkeys(SEQUENCE_OUTCOMES, 0), **dict(counted)}


def _missing(session: DuckDBPyConnection) -> int:
    return int(session.execute("SELECT count(*) FROM sequence_missing").fetchall()[0][0])
