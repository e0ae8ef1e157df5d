"""All records are compared with all lines in little memory, one share of the accessions at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from tests.support.warehouses import migrated_file
from virus_warehouse.session import private_session
from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.warehouse import shares as shares_module
from virus_warehouse.warehouse.shares import shares

RECORDS = 300_000
NOW = datetime.now(UTC)
LOAD = {"source": "mpox", "is_newest": True, "since": None, "until": None, "requested_at": NOW, "now": NOW}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckDBPyConnection]:
    """A session with little memory. Its warehouse holds this many records; a report lists each, and one twice."""
    monkeypatch.setenv("VIRUS_MEMORY_LIMIT", "10MB")
    monkeypatch.setenv("VIRUS_THREADS", "1")
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(migrated_file())
    with duckdb.connect(warehouse) as connection:
        connection.execute(
            "INSERT INTO virus_genome BY NAME SELECT 'mpox' AS source, 'PX' || i AS accession, 1 AS version, "
            "DATE '2025-01-01' AS update_date, i AS record_hash, 'PX' || i || '.1' AS accession_version, "
            f"now() AS valid_from, 'first' AS run_id, 'live' AS status FROM range({RECORDS}) AS record(i)"
        )
    with private_session(tmp_path) as connection:
        connection.execute(f"ATTACH {sql_text(warehouse)} AS warehouse")
        connection.execute(
            "CREATE TEMP TABLE data_report AS SELECT i AS line_number, 'PX' || (i % ?) AS accession, 1 AS version, "
            "DATE '2025-01-01' AS update_date, (i % ?)::UBIGINT AS record_hash FROM range(?) AS line(i)",
            [RECORDS, RECORDS, RECORDS + 1],
        )
        run_sql(connection, "warehouse/merge/01_nothing_compared.sql")
        run_sql(connection, "warehouse/sql/later_line.sql")
        yield connection


def compare(session: DuckDBPyConnection) -> None:
    for _ in shares(session, RECORDS):
        run_sql(session, "warehouse/merge/02_classify.sql", LOAD)
    run_sql(session, "warehouse/merge/06_listed.sql")
    for _ in shares(session, RECORDS):
        run_sql(session, "warehouse/merge/08_missing.sql", LOAD)


@pytest.mark.slow
def test_comparison_larger_than_memory_runs_in_shares(
    session: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares_module, "ACCESSIONS_AT_ONCE", RECORDS)
    with pytest.raises(duckdb.OutOfMemoryException):
        compare(session)
    run_sql(session, "warehouse/merge/01_nothing_compared.sql")
    monkeypatch.setattr(shares_module, "ACCESSIONS_AT_ONCE", RECORDS // 12)
    compare(session)
    outcomes = session.execute(
        "SELECT outcome, count(*), min(line_number) FROM line_outcome GROUP BY ALL ORDER BY 1"
    ).fetchall()
    assert outcomes == [("duplicate", 1, 0), ("unchanged", RECORDS, 1)]
    assert session.execute("FROM missing_record").fetchall() == []


@pytest.mark.parametrize(("accessions", "number"), [(0, 1), (1, 1), (10, 1), (11, 2), (30, 3), (31, 4)])
def test_every_accession_belongs_to_one_share(
    accessions: int, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares_module, "ACCESSIONS_AT_ONCE", 10)
    with private_session(tmp_path) as session:
        named = f"(SELECT 'PX' || i AS accession FROM range({accessions}) AS record(i))"
        found = [
            {accession for (accession,) in session.execute(f"FROM {named} WHERE in_share(accession)").fetchall()}
            for _ in shares(session, accessions)
        ]
    assert len(found) == number
    assert sum(map(len, found)) == accessions
    assert set().union(*found) == {f"PX{i}" for i in range(accessions)}
