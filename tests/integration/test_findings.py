"""Refused lines and unread fields raise alarms until they are resolved or acknowledged."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import BadLine
from tests.support.followed import FIRST_DAY, MPOX, Followed
from tests.support.warehouses import dicts, line, query
from virus_warehouse.ncbi.request import ReportType
from virus_warehouse.pages.overview.alarms import alarms_of
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.findings import acknowledge

pytestmark = pytest.mark.usefixtures("small_loads")

NOW = datetime(2026, 11, 28, 6, tzinfo=UTC)


def bad(accession: str, updated: str = "2025-03-02") -> BadLine:
    return BadLine(line(accession, updated, length="forty"))


def novel(accession: str, updated: str = "2025-03-02") -> BadLine:
    return BadLine(line(accession, updated, novelty={"of": "NCBI"}))


@pytest.fixture
def broken(followed: Followed) -> IngestResult:
    """A load with an unreadable line and an unknown field."""
    followed.show("PX1", 1)
    for number in range(20, 30):
        followed.show(f"PX{number}", 1)
    followed.ncbi.world.strays += [(0, bad("PX2.1")), (0, novel("PX3.1"))]
    return followed.run()


def alarms(followed: Followed) -> dict[str, str]:
    """The alarms of the warehouse as it is now, by their kind: of a snapshot that is not checked, which takes long."""
    sources = SourcesFile(followed.data.root / "sources.yaml", {"mpox": MPOX})
    prepare_candidate(Warehouse(followed.data.warehouse), followed.data, "candidate", sources).replace(
        followed.data.snapshot
    )
    [status] = dicts(followed.data.snapshot, "FROM mart.source_status")
    found = {alarm.kind: alarm for alarm in alarms_of(MPOX, status, None, [], None, NOW)}
    for alarm in found.values():
        assert alarm.query is None or query(followed.data.snapshot, alarm.query), "the query must show affected rows"
    return {kind: alarm.text for kind, alarm in found.items()}


def noted(followed: Followed, table: str, columns: str) -> list[tuple[Any, ...]]:
    return query(followed.data.warehouse, f"SELECT {columns} FROM ops.{table} ORDER BY ALL")


def test_findings_are_reported_with_instructions(followed: Followed, broken: IngestResult) -> None:
    texts = alarms(followed)
    assert texts["quarantine"].startswith("1 quarantined line.")
    assert "$.novelty" in texts["drift"]
    assert all("virus-warehouse acknowledge mpox" in texts[kind] for kind in ("quarantine", "drift"))


def test_line_is_resolved_when_its_record_comes_in_another(followed: Followed, broken: IngestResult) -> None:
    followed.ncbi.world.strays.clear()
    followed.show("PX2", 3)
    loaded = followed.run()
    assert loaded.mode == "incremental"
    assert noted(followed, "quarantine", "resolved_at IS NOT NULL, replayed_at, last_run_id") == [
        (True, None, broken.run_id)
    ]
    texts = alarms(followed)
    assert "quarantine" not in texts
    assert "drift" in texts, "a delta has no information on unchanged records"


def test_line_of_another_record_stays_open(followed: Followed, broken: IngestResult) -> None:
    followed.ncbi.world.strays.clear()
    followed.show("PX22", 3)
    followed.run()
    assert "quarantine" in alarms(followed)


def test_full_load_resolves_only_findings_absent_from_it(followed: Followed, broken: IngestResult) -> None:
    again = followed.run(mode="full")
    assert {"quarantine", "drift"} <= set(alarms(followed))
    assert noted(followed, "schema_drift", "first_run_id, last_run_id, occurrences") == [
        (broken.run_id, again.run_id, 2)
    ]
    followed.ncbi.world.strays.clear()
    followed.show("PX3", 1)
    followed.run(mode="full")
    assert not {"quarantine", "drift"} & set(alarms(followed))
    assert noted(followed, "schema_drift", "last_run_id, resolved_at IS NOT NULL") == [(again.run_id, True)]


def test_recurring_finding_is_open_again(followed: Followed, broken: IngestResult) -> None:
    strays = list(followed.ncbi.world.strays)
    followed.ncbi.world.strays.clear()
    followed.run(mode="full")
    followed.ncbi.world.strays += strays
    followed.run(mode="full")
    assert {"quarantine", "drift"} <= set(alarms(followed))


def test_line_that_was_replayed_is_open_when_it_is_refused_again(followed: Followed, broken: IngestResult) -> None:
    with duckdb.connect(followed.data.warehouse) as connection:
        connection.execute("UPDATE ops.quarantine SET replayed_at = now()")
    followed.run(mode="full")
    assert "quarantine" in alarms(followed)


def test_older_package_resolves_nothing(followed: Followed, broken: IngestResult) -> None:
    followed.ncbi.world.strays.clear()
    followed.run(mode="window", since=FIRST_DAY)
    assert {"quarantine", "drift"} <= set(alarms(followed))


def test_absent_report_is_resolved_when_it_arrives(followed: Followed) -> None:
    source = MPOX.model_copy(
        update={"request": MPOX.request.model_copy(update={"aux_report": (ReportType.BIOSAMPLE_REPORT,)})}
    )
    sample = {"biosample": "SAMN00000001"}
    followed.ncbi.world.strays.append((0, BadLine(line("PX1.1", "2025-03-02", **sample))))
    followed.run(source)
    assert "biosample_report $" in alarms(followed)["drift"]
    followed.ncbi.world.further = {"biosample_report": ['{"accession":"SAMN00000001"}']}
    followed.run(source)
    assert "drift" not in alarms(followed)


def test_acknowledgement_survives_a_rebuild(followed: Followed, broken: IngestResult) -> None:
    with duckdb.connect() as session, Warehouse(followed.data.warehouse).transaction(session):
        assert acknowledge(session, "mpox", NOW) == (1, 1)
    followed.run(mode="full")
    assert not {"quarantine", "drift"} & set(alarms(followed)), "acknowledged findings must not come back"
    with duckdb.connect() as session, Warehouse(followed.data.warehouse).transaction(session):
        assert acknowledge(session, "mpox", NOW) == (0, 0)
    rebuilt = rebuild(followed.data, from_oldest=True).path
    for table in ("quarantine", "schema_drift"):
        assert noted(followed, table, "acknowledged_at") == [(NOW,)]
        assert query(rebuilt, f"FROM ops.{table}") == query(followed.data.warehouse, f"FROM ops.{table}")
    followed.ncbi.world.strays += [(0, bad("PX4.1")), (0, BadLine(line("PX5.1", "2025-03-02", another=1)))]
    followed.run(mode="full")
    texts = alarms(followed)
    assert texts["quarantine"].startswith("1 quarantined line")
    assert "$.another" in texts["drift"]
    assert "$.novelty" not in texts["drift"]
