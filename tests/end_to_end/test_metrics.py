"""The metrics of a load and a publication, as a StatsD listener receives them; documented, and on the dashboard.

`tests/services/test_metrics.py` has them from a scheduler's tasks, by OpenTelemetry.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

from tests.support.airflow_runs import run_and_publish
from tests.support.metrics_receivers import StatsdListener
from tests.support.waiting import until
from virus_warehouse.warehouse.run_record import OUTCOMES, TIMED_STAGES

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsdListener]:
    """A listener to which Airflow sends its metrics. `dag.test()` sends none by itself, as tasks of an executor do."""
    with StatsdListener() as listener:
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(listener.port))
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", "True")
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
        yield listener
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "False")
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def test_load_and_publication_send_metrics_that_are_documented_and_on_the_dashboard(
    statsd: StatsdListener, stand_in, follow, query
) -> None:
    started = datetime.now(UTC)
    follow("{mpox: {taxon: 10244, aux_reports: [ANNOTATION]}, dengue: {taxon: 12637}}")
    run_and_publish("ncbi_virus_ingest__mpox")
    [(lines, package_bytes, watermark, seconds, records)] = query(
        "SELECT lines, package_bytes, watermark, seconds, (SELECT count(*) FROM virus_genome) FROM ops.ingest_run"
    )
    until(lambda: len(statsd.values("held_back")) == 2, 60)  # the last of all

    by_outcome = {
        gauge.tags["outcome"]: gauge.value for gauge in statsd.values("lines", source="mpox", report="data_report")
    }
    assert by_outcome.keys() == OUTCOMES.keys()
    assert sum(by_outcome.values()) == by_outcome["inserted"] == lines > 0
    assert statsd.value("lines", source="mpox", report="annotation_report", outcome="inserted") > 0
    assert statsd.value("downloaded_bytes", source="mpox") == package_bytes
    sent = {gauge.tags["stage"]: gauge.value for gauge in statsd.values("stage_seconds", source="mpox")}
    assert sent == pytest.approx(seconds)
    assert sent.keys() == set(TIMED_STAGES)
    assert statsd.value("watermark_timestamp_seconds") == datetime.combine(watermark, time(), UTC).timestamp()
    for moment in ("load_timestamp_seconds", "published_load_timestamp_seconds", "snapshot_timestamp_seconds"):
        # A publication's time has no fractions.
        assert started.timestamp() - 1 <= statsd.value(moment) <= datetime.now(UTC).timestamp()
    for source, expected in (("mpox", records), ("dengue", 0)):
        assert statsd.value("records", source=source) == expected
        assert statsd.value("quarantine_open", source=source) == 0
        assert statsd.value("held_back", source=source) == 0

    assert statsd.names == documented() == on_the_dashboard()


def documented() -> set[str]:
    page = (CHECKOUT / "docs/observability.md").read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^\| `virus_warehouse\.(\w+)`", page))


def on_the_dashboard() -> set[str]:
    dashboard = json.loads((CHECKOUT / "docs/grafana/virus_warehouse.json").read_text(encoding="utf-8"))
    return {
        name
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
        for name in re.findall(r"\bairflow_virus_warehouse_(\w+)", target["expr"])
    }
