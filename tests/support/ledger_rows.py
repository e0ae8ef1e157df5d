"""A session within a transaction on an empty warehouse, and rows of its ledger."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from tests.support.warehouses import Store
from virus_warehouse.warehouse import ledger

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
RUN = ledger.RunOrigin("ncbi_virus_ingest__mpox", "scheduled__1", "scheduled", 1)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    """Within a transaction on an attached warehouse."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        with Store(tmp_path).warehouse.transaction(connection):
            yield connection


def add(session: DuckDBPyConnection, run_id: str, **changes: Any) -> None:
    """Add the row of a committed run, with these changes."""
    row = {
        "run_id": run_id,
        "source": "mpox",
        "mode": "incremental",
        "fingerprint": "a",
        "status": "success",
        "started_at": NOON,
        "ended_at": NOON,
    }
    ledger.insert(session, {**row, **changes})
