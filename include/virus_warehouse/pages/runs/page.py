"""The run ledger, and the details of a run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from virus_warehouse.pages.current_data import current_data
from virus_warehouse.pages.rendering import render
from virus_warehouse.pages.runs.runs import Run, RunFilter, list_runs, one_run, runs_of_dag_run
from virus_warehouse.warehouse.run_record import OUTCOMES, SEQUENCE_OUTCOMES
from virus_warehouse.warehouse.schema import ingest_run

PAGE_ROWS = 50
MEANINGS = {name: ingest_run.columns[name].comment for name in OUTCOMES}
"""Meanings of the outcomes, from the data dictionary."""

AMOUNTS = {
    "inserted": "New",
    "revised": "Revised",
    "withdrawn": "Withdrawn",
    "quarantined": "Quarantined",
    "lines": "Lines",
}
"""The ledger's columns with counts, and their headings."""

STAGES = ("open", "download", "archive", "stage", "merge")
"""The stages of a run, in order."""

router = APIRouter()


@dataclass(frozen=True)
class Stage:
    """A stage of a run.

    Attributes:
        how: done, now, failed or todo.
        percent: its share of the longest stage's time.
    """

    name: str
    how: str
    seconds: float | None
    percent: float


@router.get("/runs")
def show_runs(
    request: Request,
    source: str = "",
    status: str = "",
    mode: str = "",
    dag_run: str = "",
    text: str = "",
    page: int = 1,
) -> HTMLResponse:
    """The ledger, latest run first; its filters are in the URL."""
    page = max(page, 1)
    wanted = RunFilter(source, status, mode, dag_run, text)
    listed = list_runs(current_data(), wanted, limit=PAGE_ROWS, offset=(page - 1) * PAGE_ROWS)
    context: dict[str, Any] = {
        "listed": listed,
        "wanted": wanted,
        "page": page,
        "page_rows": PAGE_ROWS,
        "amounts": AMOUNTS,
    }
    return render(request, "runs/runs.html", here="runs", **context)


@router.get("/runs/of-dag-run", response_model=None)
def show_run_of_dag_run(
    request: Request, dag_id: str, dag_run_id: str, source: str = ""
) -> RedirectResponse | HTMLResponse:
    """The run of an Airflow DAG run: its last try, or the filtered ledger for several sources."""
    runs = runs_of_dag_run(current_data(), dag_id, dag_run_id)
    runs = [run for run in runs if source in ("", run["source"])]
    if not runs:
        return render(request, "runs/no_run.html", here="runs", what=f"{dag_run_id} of {dag_id}", status_code=404)
    place = f"{request.scope.get('root_path', '')}/runs"
    if len({run["source"] for run in runs}) == 1:
        return RedirectResponse(f"{place}/{runs[-1]['run_id']}", status_code=303)
    return RedirectResponse(f"{place}?{urlencode({'dag_run': dag_run_id})}", status_code=303)


@router.get("/runs/{run_id}")
def show_run(request: Request, run_id: str) -> HTMLResponse:
    """The details of a run."""
    run = one_run(current_data(), run_id)
    if run is None:
        return render(request, "runs/no_run.html", here="runs", what=run_id, status_code=404)
    context: dict[str, Any] = {"stages": _stages(run), "outcomes": OUTCOMES, "meanings": MEANINGS, "sum_of": _sum_of}
    context["sequence_outcomes"] = SEQUENCE_OUTCOMES
    return render(request, "runs/run.html", here="runs", run=run, **context)


def _sum_of(counts: Mapping[str, Any], outcomes: Iterable[str]) -> int:
    """The number of a report's lines, or a FASTA file's entries, that have an outcome."""
    return sum(counts[outcome] or 0 for outcome in outcomes)


def _stages(run: Run) -> list[Stage]:
    """The progress of the run. If a failed run's file is missing, the ledger only has the stages that took time."""
    seconds = {name: run["seconds"].get(name) or 0.0 for name in STAGES}
    longest = max(*seconds.values(), 0.001)
    at = run["failed_in"] or run["stage"]
    if run["status"] == "success":
        reached = len(STAGES)
    elif at in STAGES:
        reached = STAGES.index(at)
    else:
        reached = max((number for number, name in enumerate(STAGES, 1) if seconds[name]), default=0)
    here = "failed" if run["status"] == "failed" else "now"
    return [
        Stage(
            name,
            "done" if number < reached else here if name == at else "todo",
            seconds[name],
            round(100 * seconds[name] / longest, 1),
        )
        for number, name in enumerate(STAGES)
    ]
