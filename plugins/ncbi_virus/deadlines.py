"""The deadline of a run of a source."""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback  # type: ignore[attr-defined]

from virus_warehouse.alarm import AlarmKind
from virus_warehouse.alert_settings import AlertSettings

UNFINISHED = "queued", "running"
"""States of a DAG run that has not ended."""


def deadline_of(source: str, settings: AlertSettings | None) -> DeadlineAlert | None:
    """The deadline after which people are informed that a run takes too long; None where nobody is to be informed.

    Args:
        source: name of the source.
        settings: who is informed of what.
    """
    if settings is None:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=settings.late_after,
        callback=SyncCallback(begin_late_alert, kwargs={"source": source}),
        name=f"{source} is late",
    )


def begin_late_alert(source: str, context: dict[str, Any]) -> None:
    """Begin the alert that a run of a source takes too long. Airflow calls this at the deadline.

    It does so also for a run that failed before: Airflow only forgets the deadlines of runs that succeed.

    The next run of `ncbi_virus_alerts` sends the alert. Airflow 3.3 refuses a callback the connections in its database,
    which sending needs.

    Args:
        source: name of the source.
        context: of the deadline, with its DAG run.
    """
    # Not earlier: every parsing of a DAG would wait for what these import.
    from virus_warehouse.alerts.send import begin_alert
    from virus_warehouse.data_folder import DataFolder
    from virus_warehouse.sources import read_sources

    run, settings = context["dag_run"], read_sources().alerts
    if settings is None or run["state"] not in UNFINISHED:
        return
    queued_at = datetime.fromisoformat(run["queued_at"]).astimezone(UTC)
    text = f"The DAG run {run['dag_run_id']}, queued at {queued_at:%Y-%m-%d %H:%M} UTC, has not ended."
    begin_alert(DataFolder.from_environment(), settings, (source, AlarmKind.LATE), text)
