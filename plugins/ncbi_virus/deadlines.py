"""The deadline of a run of a source."""

from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback  # type: ignore[attr-defined]

from virus_warehouse.alarm import AlarmKind
from virus_warehouse.alerts.settings import AlertSettings


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
        callback=SyncCallback(alert_late_run, kwargs={"source": source}),
        name=f"{source} is late",
    )


def alert_late_run(source: str, context: dict[str, Any]) -> None:
    """Inform people that a run of a source takes too long. Airflow calls this at the deadline.

    Args:
        source: name of the source.
        context: of the deadline, with its DAG run.
    """
    from ncbi_virus.alerts import send_due  # not earlier: every parsing of a DAG would wait for what it imports

    run = context["dag_run"]
    text = f"The DAG run {run['dag_run_id']}, queued at {run['queued_at']}, has not ended."
    send_due({(source, AlarmKind.LATE): text})
