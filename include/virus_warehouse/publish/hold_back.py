"""Holding a source back: a candidate shows it in its last published state, and everything else as loaded."""

import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.publish.about import About, renew_about
from virus_warehouse.publish.gates import HELD_BACK, WAYS_OUT, ways_to_accept
from virus_warehouse.publish.shared_records import write_shared_records
from virus_warehouse.publish.source_status import name_held_back, renew_source_status
from virus_warehouse.session import memory_limit, threads_beside
from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.schema import full_name, tables_by_source

logger = logging.getLogger(__name__)

NOT_HELD_BACK = (
    "So no source can be shown as this snapshot has it. Fix what the check found, or accept it once; or move the "
    "snapshot away: what is held back is then absent from the next one until it passes."
)
"""The ways out where what is published is too old."""


def reasons_to_hold_back(about: About) -> dict[str, str]:
    """Why each source is held back, with advice.

    Args:
        about: the description of the checked candidate.
    """
    faults: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for found in about.classified:
        if found.outcome == HELD_BACK and found.source:
            by_gate = faults[found.source]
            by_gate[found.gate] = f"{by_gate.get(found.gate, '')} {found.fault}.".lstrip()
    return {source: _reason(source, by_gate) for source, by_gate in faults.items()}


def _reason(source: str, faults: Mapping[str, str]) -> str:
    ways_out = dict.fromkeys(WAYS_OUT[gate] for gate in faults)
    return (
        f"{' '.join(faults.values())} {' '.join(ways_out)} To publish it despite these findings, once: "
        f"{ways_to_accept(faults, source)}."
    )


def hold_back(candidate: DuckDBPyConnection, reasons: Mapping[str, str], snapshot: Path) -> None:
    """Restore the rows, history and ledger of sources from the published snapshot.

    Idempotent, so it can be repeated after a kill.

    Args:
        candidate: from `open_candidate`, checked.
        reasons: why each of the sources is held back.
        snapshot: the published snapshot; it may be missing.
    """
    sources = sorted(reasons)
    candidate.execute(f"SET memory_limit = {sql_text(memory_limit())}")
    candidate.execute(f"SET threads = {threads_beside(0)}")
    with _attached(candidate, snapshot) as is_published:
        candidate.begin()
        for table in map(full_name, tables_by_source()):
            candidate.execute(f"DELETE FROM {table} WHERE list_contains(?, source)", [sources])
            if is_published:
                candidate.execute(
                    f"INSERT INTO {table} BY NAME FROM published.{table} WHERE list_contains(?, source)", [sources]
                )
        name_held_back(candidate, reasons)
        if is_published:
            run_sql(candidate, "publish/sql/letters_held_back.sql")
            run_sql(candidate, "publish/sql/held_back_before.sql")
        renew_source_status(candidate)
        write_shared_records(candidate)
        renew_about(candidate)
        candidate.commit()
    for source, reason in reasons.items():
        logger.warning("%s is held back in its last published state: %s", source, reason)


@contextmanager
def _attached(candidate: DuckDBPyConnection, snapshot: Path) -> Iterator[bool]:
    """Attach the published snapshot as `published`, in this version's schema; yields whether there is one."""
    if not snapshot.exists():
        yield False
        return
    with _in_this_schema(snapshot) as readable:
        candidate.execute(f"ATTACH {sql_text(readable)} AS published (READ_ONLY)")
        try:
            yield True
        finally:
            candidate.execute("DETACH published")


@contextmanager
def _in_this_schema(snapshot: Path) -> Iterator[Path]:
    """The snapshot, or a copy migrated to this version's schema if another version published it."""
    with duckdb.connect(snapshot, read_only=True) as connection:
        ((revision,),) = connection.execute("SELECT version_num FROM ops.alembic_version").fetchall()
    if revision == migrate.newest_revision():
        yield snapshot
        return
    migrate.refuse_unknown_revision(revision, snapshot, if_too_old=NOT_HELD_BACK)
    copy = snapshot.with_name("candidates") / f"{snapshot.stem}.{revision}.duckdb"
    try:
        shutil.copyfile(snapshot, copy)
        migrate.upgrade(copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)
