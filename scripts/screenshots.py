"""`make screenshots`: the documentation's pictures, in docs/screenshots, of made-up data.

As in the demo, the stand-in serves the records; here for a week, to an Airflow started like `make start`, with a source
that NCBI rejects, to show a failure. Screenshots are taken in light and dark mode.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import airflow_home
import demo
import duckdb
from airflow_api import AirflowApi, is_healthy
from chromium import chromium, unavailable
from pictures import THEMES, Airflow, take

from virus_warehouse.data_folder import DataFolder

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "docs" / "screenshots"
MISTYPED = '  mistyped:\n    taxon: "Monkeypocks"\n'
DAG = "ncbi_virus_ingest__{}"
RECORDS, DAYS = 6000, 7
PORT = "8089"
PATIENCE_SECONDS = 180


def main() -> None:
    """Start Airflow, let it load a week, take the pictures."""
    if reason := unavailable():
        sys.exit(reason)
    home, data = CHECKOUT / ".airflow" / "screenshots", DataFolder(CHECKOUT / "data" / "screenshots")
    for folder in (home, data.root):
        shutil.rmtree(folder, ignore_errors=True)
    data.create()
    sources = data.root / "sources.yaml"
    sources.write_text(demo.SOURCES + MISTYPED, encoding="utf-8")
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    with demo.stand_in(days[0], epoch=today, records=RECORDS) as ncbi:
        os.environ.pop("VIRUS_WAREHOUSE", None)
        os.environ.update(
            AIRFLOW_HOME=str(home),
            VIRUS_DATA=str(data.root),
            VIRUS_SOURCES=str(sources),
            NCBI_DATASETS_URL=ncbi,
            AIRFLOW__CORE__DEFAULT_TASK_RETRIES="0",
            AIRFLOW__API__PORT=PORT,
            AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{PORT}/execution/",
        )
        airflow_home.create(home)
        with started(home) as airflow:
            for source in ("viruses", "sars2_usa", "mistyped"):
                airflow.run_what_is_due(DAG.format(source))
            for day in days[1:]:
                demo.move_clock(ncbi, day)
                airflow.run_now(DAG.format("viruses"))
            wait_until("all loads are published", lambda: published_loads(data) == len(loads(data)))
            with chromium() as browser:
                FOLDER.mkdir(exist_ok=True)
                seen = Airflow(airflow.url, airflow_home.LOGIN, airflow_home.password(home), DAG.format("viruses"))
                for path in (path for theme in THEMES for path in take(browser, seen, FOLDER, theme)):
                    print(f"{path.relative_to(CHECKOUT)}: {path.stat().st_size / 1000:.0f} kB", flush=True)


def loads(data: DataFolder) -> list[Path]:
    """A file for each load that was committed."""
    return list(data.packages.glob("*/loads/*.json"))


def published_loads(data: DataFolder) -> int:
    """How many loads the published snapshot has."""
    if not data.snapshot.exists():
        return 0
    with duckdb.connect(data.snapshot, read_only=True) as connection:
        rows = connection.execute("SELECT count(*) FROM ops.ingest_run WHERE status = 'success'").fetchall()
    return int(rows[0][0])


class RunningAirflow:
    """An Airflow that runs at `url`, controlled by its REST API.

    Args:
        url: its URL.
        password: of its login.
    """

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self._api = AirflowApi(url, airflow_home.LOGIN, password)

    def run_what_is_due(self, dag_id: str) -> None:
        """Unpause a DAG, and wait until its scheduled run has ended."""
        wait_until(
            f"{dag_id} is there", lambda: dag_id in [dag["dag_id"] for dag in self._api.call("GET", "/dags")["dags"]]
        )
        self._api.call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})
        self._wait_for_runs(dag_id, 1)

    def run_now(self, dag_id: str) -> None:
        """Trigger a DAG, and wait until the run has ended."""
        many = len(self._runs(dag_id))
        self._api.call("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None})
        self._wait_for_runs(dag_id, many + 1)

    def _wait_for_runs(self, dag_id: str, many: int) -> None:
        def ended() -> bool:
            runs = self._runs(dag_id)
            return len(runs) >= many and all(run["state"] in ("success", "failed") for run in runs)

        wait_until(f"{many} runs of {dag_id} have ended", ended)
        print(f"{dag_id}: {self._runs(dag_id)[0]['state']}", flush=True)

    def _runs(self, dag_id: str) -> list[dict[str, Any]]:
        return list(self._api.call("GET", f"/dags/{dag_id}/dagRuns?order_by=-run_after")["dag_runs"])


@contextlib.contextmanager
def started(home: Path) -> Iterator[RunningAirflow]:
    """Airflow, started like `make start`, stopped at the end."""
    url = f"http://127.0.0.1:{PORT}"
    with (home / "start.log").open("wb") as log:
        command = [sys.executable, Path(__file__).parent / "start.py"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until(f"Airflow answers at {url}", lambda: is_healthy(url))
            yield RunningAirflow(url, airflow_home.password(home))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def wait_until(what: str, ask: Callable[[], bool]) -> None:
    """Poll until the condition holds; exit after a timeout."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ask():
        if time.monotonic() > deadline:
            sys.exit(f"not within {PATIENCE_SECONDS} s: {what}")
        time.sleep(1)


if __name__ == "__main__":
    main()
