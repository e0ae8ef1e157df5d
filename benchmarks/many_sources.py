"""`make bench-sources`: what each source costs that is followed: Airflow's parsing, publication, pages and alerts."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.pages import RECORDS, load, new_followed, request_ms, serving
from virus_warehouse.alerts.message import Message
from virus_warehouse.alerts.send import send_alerts
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse

FEW, MANY = 50, 500
REPEATS = 3
"""Of each measurement; the table shows the median."""

CHECKOUT = Path(__file__).parents[1]
ALERTS = "alerts: {channels: {team: {mail: {to: [team@example.org]}}}}\n"
PARSE = """
import sys, time
from airflow.dag_processing.dagbag import DagBag
started = time.monotonic()
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
print(time.monotonic() - started)
"""


def main() -> None:
    """Measure with few and with many sources, and print the seconds."""
    few, many = measure(FEW), measure(MANY)
    table = Table(
        "Seconds", f"{FEW} sources", f"{MANY} sources", title=f"{RECORDS:,} records, ten runs for each source"
    )
    for name, seconds in few.items():
        table.add_row(name, f"{seconds:.2f}", f"{many[name]:.2f}")
    Console().print(table)


def measure(sources: int, records: int = RECORDS) -> dict[str, float]:
    """Median seconds of what depends on the number of sources, by name."""
    with tempfile.TemporaryDirectory(prefix="bench-sources-") as folder:
        data, followed = new_followed(Path(folder), sources, ALERTS)
        load(data, sources, records)
        first_publication = seconds(lambda: publish(Warehouse(data.warehouse), data, followed))
        with serving() as url:
            pages = {
                f"page {path}": statistics.median(request_ms(f"{url}{path}") / 1000 for _ in range(REPEATS))
                for path in ("/", "/runs")
            }
        return {
            "parsing the DAG files": repeated(lambda: parsed(Path(folder))),
            "parsing at the start of a task": repeated(lambda: parsed(Path(folder), "ncbi_virus_ingest__source_07")),
            "first publication": first_publication,
            "next publication": repeated(lambda: seconds(lambda: publish(Warehouse(data.warehouse), data, followed))),
            **pages,
            "alerts, when something has begun": seconds(lambda: alert(data, followed)),
            "alerts, when nothing has changed": repeated(lambda: seconds(lambda: alert(data, followed))),
        }


def repeated(measured: Callable[[], float]) -> float:
    """The median of several measurements."""
    return statistics.median(measured() for _ in range(REPEATS))


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def alert(data: DataFolder, followed: SourcesFile) -> list[Message]:
    """Inform nobody of what has begun and ended."""
    return send_alerts(data, followed, lambda channel, message: None)


def parsed(home: Path, dag_id: str | None = None) -> float:
    """Seconds that Airflow needs for the DAG files in a new process, apart from its own imports.

    The process of a task reads only the file of its DAG.

    Args:
        home: folder for Airflow's files.
        dag_id: the DAG of the task that the process is started for; None for all.
    """
    environment = os.environ | {"AIRFLOW_HOME": str(home / "airflow")}
    files = CHECKOUT / "dags"
    if dag_id is not None:
        files /= "ncbi_virus_ingest.py"
        environment["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = dag_id
        environment["_AIRFLOW_PARSING_CONTEXT_TASK_ID"] = "ingest"
    command = [sys.executable, "-c", PARSE, str(files)]
    ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(ended.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
