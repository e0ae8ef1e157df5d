"""A warehouse for a test: loads report lines, returns rows."""

import hashlib
import io
import json
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from tests.support.lakes import attach_lake
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.reports.all_reports import AUXILIARY_REPORTS
from virus_warehouse.reports.annotation_report import ANNOTATION_REPORT
from virus_warehouse.reports.biosample_report import BIOSAMPLE_REPORT
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.reports.reading import StagedReport, stage
from virus_warehouse.session import private_session
from virus_warehouse.sources import Source
from virus_warehouse.sql_file import sql_text
from virus_warehouse.warehouse import ledger, migrate
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import SESSION_SETTINGS
from virus_warehouse.warehouse.load import Acceptance, Load
from virus_warehouse.warehouse.load_reports import load_reports

MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"))
DENGUE = Source(name="dengue", request=VirusGenomeRequest(taxon="12637"))

SMALLEST_BLOCK = 16 * 1024
"""Bytes."""

FIRST_COMMIT = datetime(2025, 6, 1, 6, tzinfo=UTC)


def lineage(*steps: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"name": name, "taxId": tax_id} for tax_id, name in steps]


MPOX_ORGANISM = {
    "taxId": 10244,
    "organismName": "Monkeypox virus",
    "lineage": lineage((10239, "Viruses"), (10240, "Poxviridae"), (10244, "Monkeypox virus")),
}


def record(accession: str = "PX000001.1", updated: str | None = "2025-05-01", **fields: Any) -> dict[str, Any]:
    """A plausible record of the data report; fields that are None are omitted."""
    values = {
        "accession": accession,
        "length": 197209,
        "releaseDate": "2025-04-01T00:00:00Z",
        "updateDate": f"{updated}T00:00:00Z" if updated else None,
        "virus": MPOX_ORGANISM,
        **fields,
    }
    return {name: value for name, value in values.items() if value is not None}


def line(accession: str = "PX000001.1", updated: str | None = "2025-05-01", **fields: Any) -> str:
    return json.dumps(record(accession, updated, **fields), separators=(",", ":"))


def accessions(count: int, first: int = 1) -> list[str]:
    return [f"PX{number:06d}.1" for number in range(first, first + count)]


def report(lines: tuple[str | bytes, ...]) -> bytes:
    return b"".join((text if isinstance(text, bytes) else text.encode()) + b"\n" for text in lines)


def stage_bytes(session: DuckDBPyConnection, folder: Path, content: bytes) -> int:
    """Stage a data report of these bytes as a run does; returns the number of non-blank lines."""
    return stage(DATA_REPORT, session, lambda: io.BytesIO(content), folder).lines


def stage_further_bytes(
    session: DuckDBPyConnection,
    folder: Path,
    *,
    annotation: Sequence[str | bytes] | None = None,
    biosamples: Sequence[str | bytes] | None = None,
    **others: Sequence[str | bytes],
) -> list[StagedReport]:
    """Stage the auxiliary reports with these lines as a run does; `others` by the name of their report."""
    lines_of = {ANNOTATION_REPORT.name: annotation, BIOSAMPLE_REPORT.name: biosamples, **others}
    return [
        stage(kind, session, partial(io.BytesIO, report(tuple(lines))), folder)
        for kind in AUXILIARY_REPORTS
        if (lines := lines_of.get(kind.name)) is not None
    ]


@cache
def migrated_file() -> bytes:
    """A warehouse without rows: migrating takes longer than most of what is tested with it.

    Its blocks are the smallest that DuckDB has. Of the usual ones DuckDB fills a dozen for each column of a table that
    a commit changes, which takes a third of the time of a run that loads a handful of lines.
    """
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as session:
        migrated, small = Path(folder) / "migrated.duckdb", Path(folder) / "small.duckdb"
        migrate.upgrade(migrated)
        session.execute(f"ATTACH {sql_text(migrated)} AS migrated (READ_ONLY)")
        session.execute(
            f"ATTACH {sql_text(small)} AS small "
            f"(BLOCK_SIZE {SMALLEST_BLOCK}, STORAGE_VERSION {sql_text(migrate.STORAGE_VERSION)})"
        )
        session.execute("COPY FROM DATABASE migrated TO small")
        session.execute("DETACH small")
        return small.read_bytes()


def made_data(root: Path) -> DataFolder:
    """A data folder whose warehouse has no rows yet."""
    data = DataFolder(root)
    data.create()
    data.warehouse.write_bytes(migrated_file())
    return data


def copy_new_files(patch: pytest.MonkeyPatch) -> None:
    """Let the product create a warehouse file as a copy of one that it has migrated before."""
    upgrade = migrate.upgrade

    def copy_or_upgrade(path: Path, marker: str | None = None) -> None:
        if path.exists() or marker is not None:
            upgrade(path, marker)
        else:
            path.write_bytes(migrated_file())

    migrated_file()  # while it is created as usual
    patch.setattr(migrate, "upgrade", copy_or_upgrade)


class Store:
    """A warehouse file in a folder, loaded from report lines with the ledger rows of committed runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = Warehouse(folder / "warehouse.duckdb", lock_timeout=60)
        self.warehouse.path.write_bytes(migrated_file())
        self._loads = 0
        self.further: dict[str, dict[str, int | None]] = {}

    def copy_to(self, folder: Path) -> Self:
        """A copy of the warehouse in another folder that a test can change: cheaper than repeating the loads."""
        copy = type(self)(folder)
        copy.warehouse.path.write_bytes(self.warehouse.path.read_bytes())
        copy._loads = self._loads
        return copy

    def load(
        self,
        *lines: str | bytes,
        source: Source = MPOX,
        mode: str = "full",
        is_newest_package: bool = True,
        filter_changed: bool = False,
        since: date | None = None,
        until: date | None = None,
        reported_lines: int | None = None,
        is_census: bool = False,
        requested_at: datetime | None = None,
        accepts: Acceptance | None = None,
        annotation: Sequence[str | bytes] | None = None,
        biosamples: Sequence[str | bytes] | None = None,
        **other_reports: Sequence[str | bytes],
    ) -> dict[str, int]:
        """Merge these lines as one run, `run-1`, `run-2` ... an hour apart; returns the nonzero outcomes.

        `annotation` and `biosamples` are the lines of these reports, None for no report. Lines of other reports are
        given by the report's name. The outcomes of all of them are in `further`.
        """
        self._loads += 1
        run_id, committed_at = f"run-{self._loads}", FIRST_COMMIT + timedelta(hours=self._loads)
        temporary = self.folder / run_id
        temporary.mkdir()
        with private_session(temporary) as session:
            given = stage(DATA_REPORT, session, partial(io.BytesIO, report(lines)), temporary)
            count = given.lines
            if reported_lines is not None:
                given = replace(given, lines=reported_lines)
            further = stage_further_bytes(
                session, temporary, annotation=annotation, biosamples=biosamples, **other_reports
            )
            with self.warehouse.transaction(session):
                load = Load(
                    source=source.name,
                    limits=source.limits,
                    run_id=run_id,
                    mode=mode,
                    is_census=is_census,
                    valid_from=committed_at,
                    requested_at=requested_at or committed_at - timedelta(minutes=1),
                    is_newest_package=is_newest_package,
                    filter_changed=filter_changed,
                    since=since,
                    until=until,
                    accepts=accepts or Acceptance(),
                )
                counts_of = load_reports(session, load, [given, *further])
                ledger.insert_acceptance(session, run_id, source.name, load.accepts.names)
                outcomes = counts_of[DATA_REPORT.name]
                run = {"run_id": run_id, "source": source.name, **outcomes, "lines": count}
                ledger.insert(
                    session,
                    {
                        **run,
                        "mode": mode,
                        "fingerprint": source.fingerprint,
                        "status": "success",
                        "started_at": committed_at,
                        "ended_at": committed_at,
                    },
                )
        self.further = {
            name: {outcome: count for outcome, count in counts.items() if count and outcome != "lines"}
            for name, counts in counts_of.items()
            if name != DATA_REPORT.name
        }
        return {outcome: count for outcome, count in outcomes.items() if count and outcome != "lines"}

    def first_load(self, *lines: str | bytes, **others: Any) -> dict[str, int]:
        """The first load of a warehouse, which many tests begin with: `load` makes it once, later ones are copies."""
        assert self._loads == 0
        empty = self.warehouse.path.read_bytes()
        same = hashlib.sha256(empty).hexdigest(), repr((lines, sorted(others.items())))
        if same not in _FIRST_LOADS:
            outcomes = self.load(*lines, **others)
            _FIRST_LOADS[same] = self.warehouse.path.read_bytes(), outcomes, self.further
        content, outcomes, further = _FIRST_LOADS[same]
        self.warehouse.path.write_bytes(content)
        self._loads, self.further = 1, dict(further)
        return dict(outcomes)

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return query(self.warehouse.path, sql, *parameters)

    def execute(self, sql: str) -> None:
        """Change the file directly, bypassing the code."""
        with duckdb.connect(self.warehouse.path) as connection:
            connection.execute(sql)


_FIRST_LOADS: dict[tuple[str, str], tuple[bytes, dict[str, int], dict[str, dict[str, int | None]]]] = {}
"""The file, the outcomes and those of the auxiliary reports, by the file before the load and what was loaded."""


def query(place: Path | LakeAddress, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Rows of a warehouse, or of a snapshot; times are in UTC."""
    # Several statements may leave views, variables or settings behind, which later tests would meet in the session.
    with _connected(place) if ";" in sql and isinstance(place, Path) else opened(place) as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def dicts(place: Path | LakeAddress, sql: str, *parameters: object) -> list[dict[str, Any]]:
    with opened(place) as connection:
        result = connection.execute(sql, list(parameters))
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@contextmanager
def _connected(path: Path) -> Iterator[DuckDBPyConnection]:
    with duckdb.connect(path, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


_LEFT = """
    SELECT database_name FROM duckdb_databases() WHERE NOT internal AND database_name != 'memory'
    UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal
    UNION ALL SELECT table_name FROM duckdb_tables() WHERE NOT internal
"""
"""What an earlier test has left in a session: a database that is still attached, temporary views and tables."""


@contextmanager
def opened(place: Path | LakeAddress) -> Iterator[DuckDBPyConnection]:
    """A warehouse, or a snapshot, to read for a moment; times are in UTC.

    It is attached to a session that stays open: a new one registers every function of DuckDB's, which takes longer than
    most queries.
    """
    key = threading.get_ident(), os.getpid()
    session = _reading_session(*key)
    if session.execute(_LEFT).fetchall():
        _reading_session.cache_clear()  # queries of the catalog would show it, too
        session = _reading_session(*key)
    # As DuckDB names it when it connects to the file.
    name = f'"{place.name.split(".")[0]}"' if isinstance(place, Path) else "warehouse"
    try:
        if isinstance(place, Path):
            session.execute(f"ATTACH {sql_text(place)} AS {name} (READ_ONLY)")
        else:
            attach_lake(session, place)
        session.execute(f"USE {name}; SET TimeZone = 'UTC'")
        yield session
        session.execute(f"USE memory; DETACH {name}")
    except BaseException:
        _reading_session.cache_clear()
        session.close()
        raise


@cache
def _reading_session(thread: int, process: int) -> DuckDBPyConnection:
    """The session of a thread: no other one changes what it has attached."""
    return duckdb.connect(config={"threads": 1, **SESSION_SETTINGS})
