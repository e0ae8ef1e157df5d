"""The warehouse's metrics, sent with Airflow's own: to StatsD or OpenTelemetry, if one of them is switched on.

All are gauges, and times are moments: see decision 40. docs/observability.md lists them.
"""

from datetime import UTC, date, datetime, time

from airflow.sdk.observability import stats

from virus_warehouse.publish.figures import SnapshotFigures
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.run_result import IngestResult
from virus_warehouse.warehouse.run_record import OUTCOMES


def send_load_metrics(result: IngestResult) -> None:
    """Send the metrics of a committed run.

    Args:
        result: what the run returned.
    """
    source = result.source
    _send_moment("load_timestamp_seconds", result.committed_at, source=source)
    _send_moment("watermark_timestamp_seconds", result.watermark, source=source)
    _send("downloaded_bytes", result.downloaded_bytes, source=source)
    for stage, seconds in result.seconds.items():
        _send("stage_seconds", seconds, source=source, stage=stage)
    for report, counts in {DATA_REPORT.name: result.counts, **result.further}.items():
        for outcome in OUTCOMES:
            _send("lines", counts.get(outcome) or 0, source=source, report=report, outcome=outcome)


def send_snapshot_metrics(figures: SnapshotFigures) -> None:
    """Send the metrics of the published snapshot.

    Args:
        figures: its figures.
    """
    _send_moment("snapshot_timestamp_seconds", figures.made_at)
    for of in figures.sources:
        _send_moment("published_load_timestamp_seconds", of.loaded_at, source=of.source)
        _send("records", of.records, source=of.source)
        _send("quarantine_open", of.quarantine_open, source=of.source)
        _send("unknown_fields", of.unknown_fields, source=of.source)
        _send("held_back", of.is_held_back, source=of.source)


def _send_moment(name: str, moment: date | None, **tags: str) -> None:
    """Send a moment as seconds since 1970; a day counts from its midnight in UTC, and what is not known is not sent."""
    if moment is not None:
        exact = moment if isinstance(moment, datetime) else datetime.combine(moment, time(), UTC)
        _send(name, exact.timestamp(), **tags)


def _send(name: str, value: float, **tags: str) -> None:
    stats.gauge(f"virus_warehouse.{name}", float(value), tags=tags)
