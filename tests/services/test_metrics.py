"""The metrics of tasks that an executor runs, as an OpenTelemetry collector receives them."""

import pytest

from tests.support.stage import Stage

PUBLISH = "ncbi_virus_publish"


@pytest.mark.long
def test_tasks_of_a_scheduler_send_metrics_by_opentelemetry(stage: Stage) -> None:
    source = stage.own_source()
    dag_id = f"ncbi_virus_ingest__{source}"
    stage.airflow.unpause(dag_id)
    # Its scheduled run, which is due, and no other: a second load would change nothing, and say so.
    [scheduled] = stage.airflow.wait_until(f"{dag_id} has a run", lambda: stage.airflow.runs(dag_id))
    assert stage.airflow.finished(dag_id, scheduled["dag_run_id"])["state"] == "success"
    [run] = stage.rows("SELECT inserted, package_bytes FROM ops.ingest_run WHERE source = ?", source)

    stage.airflow.wait_until("the load's metrics are there", lambda: stage.metrics.values("lines", source=source))
    assert stage.metrics.value("lines", source=source, outcome="inserted") == run["inserted"] > 0
    assert stage.metrics.value("downloaded_bytes", source=source) == run["package_bytes"]

    # Also for sources that other tests hold back, the publication sends its metrics.
    stage.airflow.finished(PUBLISH, stage.airflow.trigger(PUBLISH))
    stage.airflow.wait_until("the publication's are, too", lambda: stage.metrics.values("records", source=source))
    assert stage.metrics.value("records", source=source) == run["inserted"]
    assert stage.metrics.value("held_back", source=source) == 0
