"""`make screenshots`: the README's pictures, in docs/screenshots, of made-up data.

As in the demo, the stand-in serves the records and Airflow runs the real DAGs; here for a week, and with a source that
NCBI refuses, so that there is a failure to look at. Then Airflow is started and looked at, in light and in dark.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import airflow_home
import demo
import requests
from pictures import THEMES, Airflow, take
from playwright.sync_api import sync_playwright
from rich.console import Console
from run_dag import run_dag

from virus_warehouse.data_folder import DataFolder

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "docs" / "screenshots"
SOURCES = demo.SOURCES + '  mistyped:\n    taxon: "Monkeypocks"\n'
RECORDS, DAYS = 6000, 7
PORT = "8089"
START_SECONDS = 180


def main() -> None:
    """Make the data, start Airflow, take the pictures."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("Chromium is not installed; on Debian, as root, scripts/install_services does it")
    console = Console()
    home, data = CHECKOUT / ".airflow" / "screenshots", DataFolder(CHECKOUT / "data" / "screenshots")
    shutil.rmtree(home, ignore_errors=True)
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    with demo.new_world(console, home, data, days, sources=SOURCES, records=RECORDS):
        with (data.root / "airflow.log").open("a", encoding="utf-8") as log:
            run_dag("ncbi_virus_ingest__mistyped", logical_date=f"{today}T06:00:00+00:00", output=log)
        FOLDER.mkdir(exist_ok=True)
        with started(home) as airflow, sync_playwright() as playwright:
            # Its sandbox refuses to run as root, as in a container.
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            for theme in THEMES:
                for path in take(browser, airflow, FOLDER, theme):
                    console.print(f"{path.relative_to(CHECKOUT)}: {path.stat().st_size / 1000:.0f} kB")
            browser.close()


@contextlib.contextmanager
def started(home: Path) -> Iterator[Airflow]:
    """Airflow as `make start` starts it, stopped at the end."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__PORT": PORT,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{PORT}/execution/",
    }
    url = f"http://127.0.0.1:{PORT}"
    with (home / "start.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, Path(__file__).parent / "start.py"], env=environment, stdout=log, stderr=log
        )
        try:
            _wait_until_healthy(url)
            yield Airflow(url, airflow_home.LOGIN, airflow_home.password(home), "ncbi_virus_ingest__viruses")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            health = requests.get(f"{url}/api/v2/monitor/health", timeout=5).json()
            if health["dag_processor"]["status"] == health["scheduler"]["status"] == "healthy":
                return
        time.sleep(1)
    sys.exit(f"Airflow did not answer at {url} within {START_SECONDS} s")


if __name__ == "__main__":
    main()
