"""One Airflow for all tests here, and a browser for those that need it.

`tests/support/tiers.py` gives all of them to one worker, so there is only one Airflow. It ends with the last of them:
Playwright's event loop keeps running, and no later test of this worker could have one of its own.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support import postgres
from tests.support.stage import MISTYPED, PUBLISH, SLOW, Stage, stage_in


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running Airflow with a browser."""
    if reason := postgres.unavailable():
        pytest.skip(reason)
    expect.set_options(timeout=SLOW)
    with stage_in(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(scope="package")
def failed_run(stage: Stage) -> str:
    """The id of the failed DAG run of `mistyped`."""

    def failed() -> str | None:
        return next((run["dag_run_id"] for run in stage.airflow.runs(MISTYPED) if run["state"] == "failed"), None)

    return str(stage.airflow.wait_until(f"{MISTYPED} has failed", failed))


@pytest.fixture(scope="package")
def publication(stage: Stage) -> str:
    """The id of a DAG run that has published."""
    run_id = stage.airflow.trigger(PUBLISH)
    stage.airflow.finished(PUBLISH, run_id)
    return run_id


@pytest.fixture
def publications_paused(stage: Stage) -> Iterator[None]:
    """For a test of loads only."""
    with stage.publications_paused():
        yield
