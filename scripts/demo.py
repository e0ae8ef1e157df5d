"""`make demo`: three days of made-up NCBI data through the real DAGs, and the results.

The stand-in serves generated records; Airflow runs the DAGs for each of three days, following the stand-in's clock;
then the published snapshot is queried. All files are in `data/demo` and `.airflow/demo`, recreated each time.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import airflow_home
import duckdb
import requests
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from run_dag import run_dag_here

from virus_warehouse.data_folder import DataFolder

CHECKOUT = Path(__file__).resolve().parents[1]
QUERIES = Path(__file__).parent / "demo_queries"
SOURCES = """\
sources:
  sars2_usa:
    taxon: "2697049" # a part of the next source, so that two of them overlap
    geo_location: USA
    sequences: [GENOME, CDS]
  viruses:
    taxon: "10239" # all of them: the stand-in knows five
    aux_reports: [ANNOTATION, BIOSAMPLE_REPORT]
"""
RECORDS = 400


def main() -> None:
    """Run the demo."""
    console = Console(width=max(Console().width, 150))
    home = CHECKOUT / ".airflow" / "demo"
    data = DataFolder(CHECKOUT / "data" / "demo")
    shutil.rmtree(data.root, ignore_errors=True)
    data.create()
    sources = data.root / "sources.yaml"
    sources.write_text(SOURCES, encoding="utf-8")
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in (2, 1, 0)]
    with stand_in(days[0], epoch=today) as url:
        os.environ.update(
            airflow_home.environment(home),
            VIRUS_DATA=str(data.root),
            VIRUS_SOURCES=str(sources),
            NCBI_DATASETS_URL=url,
            AIRFLOW__CORE__DEFAULT_TASK_RETRIES="0",
        )
        os.environ.pop("VIRUS_WAREHOUSE", None)
        if not (home / "airflow.db").exists():
            console.print("Creating Airflow's home for the demo ...")
            airflow_home.create(home)
        console.print(f"The stand-in serves {RECORDS} made-up records at {url}")
        run_days(console, url, days, data.root / "airflow.log")
    show(console, data)


@contextlib.contextmanager
def stand_in(today: date, *, epoch: date, records: int = RECORDS) -> Iterator[str]:
    """The stand-in in a separate process; yields its URL, and stops it at the end."""
    command = [sys.executable, "-m", "ncbi_stand_in", "--port", "0", "--records", str(records)]
    command += ["--today", today.isoformat(), "--epoch", epoch.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()


def run_days(console: Console, url: str, days: list[date], log: Path) -> None:
    """Run the DAGs once for each day, with the stand-in's clock at that day; the small source's only once."""
    for day in days:
        move_clock(url, day)
        for source in ("sars2_usa", "viruses") if day == days[0] else ("viruses",):
            started = time.monotonic()
            run(f"ncbi_virus_ingest__{source}", day, log)
            console.print(f"{day}: {source}: ingest, by Airflow, in {time.monotonic() - started:.0f} s")
        started = time.monotonic()
        run("ncbi_virus_publish", day, log)
        console.print(f"{day}: prepare >> check >> publish, by Airflow, in {time.monotonic() - started:.0f} s")


def run(dag_id: str, day: date, log: Path) -> None:
    """Run a DAG; exit if it fails."""
    if not run_dag_here(dag_id, f"{day}T06:00:00+00:00", log):
        sys.exit(f"{dag_id} of {day} failed; Airflow's log is {log}")


def move_clock(url: str, today: date) -> None:
    """Set the stand-in's date."""
    clock = url.removesuffix("/datasets/v2") + "/control/clock"
    requests.post(clock, json={"today": today.isoformat()}, timeout=10).raise_for_status()


def show(console: Console, data: DataFolder) -> None:
    """Print the queries' results from the published snapshot."""
    with duckdb.connect(data.snapshot, read_only=True) as connection:
        for file in sorted(QUERIES.glob("*.sql")):
            query = file.read_text(encoding="utf-8")
            title = query.splitlines()[0].removeprefix("-- ")
            result = connection.execute(query)
            table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
            for column in result.description or ():
                table.add_column(column[0], overflow="fold")
            for row in result.fetchall():
                table.add_row(*("" if value is None else str(value) for value in row))
            console.print(table)
    console.print(f"The snapshot is {data.snapshot}. `make sql VIRUS_DATA={data.root}` opens a prompt on it.")


if __name__ == "__main__":
    main()
