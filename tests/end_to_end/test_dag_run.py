"""The DAG, run by Airflow against the stand-in over HTTP."""

import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
import requests

from ncbi_virus.assets import UNCHANGED
from tests.support.airflow_runs import publish, run_and_publish, run_dag, task_states
from virus_warehouse.publish.about import read_about
from virus_warehouse.warehouse.run_record import OUTCOMES

MPOX = "ncbi_virus_ingest__mpox"
FIRST_DAY = date(2026, 11, 18)
LOADED = {"ingest": "success", "stopped_loads": "skipped", "ask": "skipped", "loaded": "success"}
FAILED = {"ingest": "failed", "stopped_loads": "success", "ask": "skipped", "loaded": "upstream_failed"}
"""The states of the tasks of a source's run; a failed one looks whether there is something to ask."""


def warehouse(data, sql: str) -> list[tuple]:
    """Query the warehouse: what a run has loaded, without a publication."""
    with duckdb.connect(data.warehouse, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def warehouse_ledger(data, columns: str) -> list[tuple]:
    return warehouse(data, f"SELECT {columns} FROM ops.ingest_run ORDER BY started_at")


def test_three_days_of_changes(stand_in, follow, data, query):
    follow("{mpox: {taxon: 10244, aux_reports: [ANNOTATION]}}")
    for day in (FIRST_DAY, FIRST_DAY + timedelta(days=1), FIRST_DAY + timedelta(days=2)):
        stand_in.set_today(day)
        run = run_dag(MPOX, logical_date=datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
        assert task_states(run) == LOADED
    assert publish().state == "success"  # `make demo` publishes after each of three days

    assert warehouse_ledger(data, "mode, status, dag_id, run_type, try_number") == [
        (mode, "success", MPOX, "manual", 1) for mode in ("full", "incremental", "incremental")
    ]
    # Each run requests records since the previous watermark minus the lookback; the first requests everything.
    watermarks = [before for (before,) in warehouse_ledger(data, "watermark")]
    asked = [dict(request.query).get("updated_since") for request in stand_in.requests]
    assert asked == [None, *(f"{mark - timedelta(days=14)}T00:00:00Z" for mark in watermarks[:-1])]
    for lines, *outcomes in warehouse_ledger(data, f"lines, {', '.join(OUTCOMES)}"):
        assert lines == sum(outcomes) > 0
    inserted, revised = (
        query(f"SELECT sum({outcome}) FROM ops.ingest_run")[0][0] for outcome in ("inserted", "revised")
    )
    assert inserted > 50
    assert revised > 0
    assert query("SELECT count(*), count(DISTINCT accession) FROM virus_genome WHERE source = 'mpox'") == [
        (inserted, inserted)
    ]
    assert query("SELECT count(*) FROM virus_genome_history WHERE ended_by = 'revision'") == [(revised,)]
    # Records within the lookback are as NCBI shows them. (A census handles older changes.)
    held = set(query("SELECT accession_version, update_date FROM virus_genome"))
    assert shown_since(stand_in, FIRST_DAY - timedelta(days=12)) <= held


def shown_since(stand_in, day: date) -> set[tuple[str, date]]:
    """accession.version and update date of the stand-in's mpox records updated on or after a day."""
    url = f"{stand_in.url}/virus/taxon/10244/genome/download?include_sequence=NONE&updated_since={day}T00:00:00Z"
    with zipfile.ZipFile(io.BytesIO(requests.get(url, timeout=30).content)) as archive:
        lines = archive.read("ncbi_dataset/data/data_report.jsonl").splitlines()
    records = [json.loads(line) for line in lines]
    assert records
    return {(record["accession"], date.fromisoformat(record["updateDate"][:10])) for record in records}


def test_source_event_means_a_change_and_every_load_triggers_a_publication(stand_in, follow, data):
    follow("{mpox: {taxon: 10244}}")
    of_source, of_snapshot = "x-virus-warehouse://mpox", "x-virus-snapshot://mpox"
    before = {uri: len(asset_events(uri)) for uri in (of_source, of_snapshot, UNCHANGED.uri)}
    run_and_publish(MPOX)
    (event,) = asset_events(of_source)[before[of_source] :]
    assert event["inserted"] > 50
    assert event["run_id"].split("-")[1] == "mpox"
    (published,) = asset_events(of_snapshot)[before[of_snapshot] :]
    assert published == {"publication_id": read_about(data.snapshot).publication_id, "inserted": event["inserted"]}
    run_and_publish(MPOX)  # the same day again: nothing changed
    assert len(asset_events(of_source)) == before[of_source] + 1
    assert len(asset_events(of_snapshot)) == before[of_snapshot] + 1
    assert [event["source"] for event in asset_events(UNCHANGED.uri)[before[UNCHANGED.uri] :]] == ["mpox"]


def asset_events(uri: str) -> list[dict]:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.execute(
            select(AssetEvent.extra)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetModel.uri.in_([uri, f"{uri}/"]))
            .order_by(AssetEvent.id)
        )
        return [extra for (extra,) in rows]


def test_window_from_the_trigger_form_keeps_the_watermark(stand_in, follow, data):
    follow("{mpox: {taxon: 10244}}")
    run_dag(MPOX, conf={"since": "2026-10-01", "until": "2026-11-01"})
    assert warehouse_ledger(data, "mode, updated_since, until, watermark") == [
        ("window", date(2026, 10, 1), date(2026, 11, 1), None)
    ]
    ((lines, inserted, out_of_window),) = warehouse_ledger(data, "lines, inserted, out_of_window")
    assert lines == inserted + out_of_window
    assert inserted > 0
    assert out_of_window > 0
    dates = "SELECT min(update_date) >= '2026-10-01', max(update_date) < '2026-11-01' FROM virus_genome"
    assert warehouse(data, dates) == [(True, True)]


def test_unknown_taxon_fails_at_once_with_the_ncbi_message(stand_in, follow, data):
    follow("{nothing: {taxon: no such virus}}")
    run = run_dag("ncbi_virus_ingest__nothing", retries=2)
    assert task_states(run)["ingest"] == "failed"
    assert len(stand_in.requests) == 1
    (row,) = warehouse_ledger(data, "status, http_status, attempts, error")
    assert row[:3] == ("failed", 400, 1)
    assert "no such virus" in row[3]
    assert not data.snapshot.exists()


def test_ncbi_down_is_retried_and_every_try_has_its_row(stand_in, follow, data, monkeypatch):
    monkeypatch.setenv("NCBI_DATASETS_PATIENCE", "1")
    follow("{mpox: {taxon: 10244}}")
    stand_in.fault("status", times=50, status=503, body="<html><h1>Service Unavailable</h1></html>")
    run = run_dag(MPOX, retries=1)
    assert task_states(run) == FAILED
    rows = warehouse_ledger(data, "try_number, status, http_status, attempts >= 2, contains(error, 'Unavailable')")
    assert rows == [(try_number, "failed", 503, True, True) for try_number in (1, 2)]


def test_a_failed_run_leaves_the_snapshot_as_it_was(stand_in, mpox_loaded, data, monkeypatch):
    monkeypatch.setenv("NCBI_DATASETS_PATIENCE", "1")
    published = data.snapshot.read_bytes()
    stand_in.fault("status", times=50, status=503)
    assert task_states(run_dag(MPOX)) == FAILED
    assert data.snapshot.read_bytes() == published
    stand_in.clear_faults()
    assert task_states(run_dag(MPOX)) == LOADED
    assert warehouse_ledger(data, "status") == [("success",), ("failed",), ("success",)]


def test_second_try_succeeds_when_ncbi_is_back(stand_in, follow, data, monkeypatch):
    monkeypatch.setenv("NCBI_DATASETS_PATIENCE", "1")
    follow("{mpox: {taxon: 10244}}")
    stand_in.fault("status", times=2, status=503)
    run = run_dag(MPOX, retries=1)
    assert task_states(run) == LOADED
    assert warehouse_ledger(data, "try_number, status, mode") == [(1, "failed", "full"), (2, "success", "full")]


def test_incomplete_package_is_refused_and_downloaded_again(stand_in, follow, data):
    """One of the many ways in which `tests/integration/test_fault_matrix.py` breaks what the operator fetches."""
    follow("{mpox: {taxon: 10244}}")
    stand_in.fault("bad_crc", times=1)
    run = run_dag(MPOX)
    assert task_states(run) == LOADED
    assert warehouse_ledger(data, "status, attempts") == [("success", 2)]
    assert len(stand_in.requests) == 2


def test_fault_outside_all_sources_fails_the_check_and_keeps_the_last_good_snapshot(mpox_loaded, data):
    published = data.snapshot.read_bytes()
    with duckdb.connect(data.warehouse) as connection:
        connection.execute("INSERT INTO taxon FROM taxon LIMIT 1")
    run = run_dag("ncbi_virus_publish", retries=1)
    assert task_states(run) == {
        "prepare": "success",
        "check": "failed",
        "publish": "upstream_failed",
        "all_sources_published": "upstream_failed",
        "questions": "success",
        "ask": "skipped",
    }
    assert tries(run)["check"] == 1, "a retry would have the same result"
    assert data.snapshot.read_bytes() == published


@pytest.mark.long
def test_blocked_source_blocks_no_other_and_is_published_once_accepted(stand_in, follow, data, query, caplog, capsys):
    """A blocked source and three valid ones, which are published by the same run."""
    follow(
        "{mpox: {taxon: 10244}, dengue: {taxon: 12637}, flu: {taxon: 11320}, usa: {taxon: 10244, geo_location: USA}}"
    )
    good = ("dengue", "flu", "usa")
    run_and_publish(MPOX)
    (published,) = query("SELECT count(*) FROM virus_genome WHERE source = 'mpox'")[0]
    with duckdb.connect(data.warehouse) as connection:  # simulates restoring a backup that is weeks old
        (kept,) = connection.execute(
            "DELETE FROM virus_genome WHERE hash(accession) % 2 = 0; SELECT count(*) FROM virus_genome"
        ).fetchone()
    lost = published - kept
    assert lost > 10

    for source in good:
        assert run_dag(f"ncbi_virus_ingest__{source}").state == "success"
    run = publish()
    assert task_states(run) == {
        "prepare": "success",
        "check": "success",
        "publish": "success",
        "all_sources_published": "failed",
        "questions": "success",
        "ask": "success",
    }
    assert run.state == "failed", "a blocked source must be visible as a failed run"
    log = caplog.text + capsys.readouterr().out
    assert f"held back: shrinkage of mpox: of {published} published records, {lost} are missing, more than 5.0%" in log
    assert "held back: mpox since 20" in log
    counts = dict(query("SELECT source, count(*) FROM virus_genome GROUP BY ALL"))
    assert counts.pop("mpox") == published
    assert set(counts) == set(good)
    assert set(read_about(data.snapshot).held_back) == {"mpox"}

    run = publish(accept_findings=["shrinkage"], source="mpox")
    assert run.state == "success"
    assert query("SELECT count(*) FROM virus_genome WHERE source = 'mpox'") == [(kept,)]
    [(source, gate, text)] = query("SELECT source, name, value FROM _about WHERE topic = 'finding'")
    assert (source, gate) == ("mpox", "shrinkage")
    assert text.startswith(f"accepted: shrinkage of mpox: of {published} published records, {lost} are missing")

    assert publish().state == "success", "accepted findings must not block again"
    assert query("SELECT count(*) FROM _about WHERE topic = 'finding'") == [(0,)]


def tries(run) -> dict[str, int]:
    return {task.task_id: task.try_number for task in run.get_task_instances()}


@pytest.mark.long
def test_a_reader_of_the_snapshot_does_not_disturb_a_load(stand_in, follow, data, query):
    follow("{mpox: {taxon: 10244}}")
    stand_in.set_today(FIRST_DAY)
    run_and_publish(MPOX)
    with duckdb.connect(data.snapshot, read_only=True) as reader:
        (before,) = reader.execute("SELECT count(*) FROM virus_genome").fetchall()
        stand_in.set_today(FIRST_DAY + timedelta(days=2))
        assert task_states(run_and_publish(MPOX)) == LOADED
        assert reader.execute("SELECT count(*) FROM virus_genome").fetchall() == [before]
    assert query("SELECT count(*) FROM virus_genome")[0] > before
