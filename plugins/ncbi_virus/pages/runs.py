"""The run ledger, and the story of a run."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from ncbi_virus.pages.rendering import render
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.showing.runs import OUTCOMES, RunFilter, list_runs, one_run, runs_of_dag_run

PAGE_ROWS = 50

router = APIRouter()


@router.get("/runs")
def show_runs(
    request: Request, source: str = "", status: str = "", mode: str = "", text: str = "", page: int = 1
) -> HTMLResponse:
    """The ledger, latest run first; what filters it is in the URL."""
    page = max(page, 1)
    wanted = RunFilter(source, status, mode, text)
    runs, found = list_runs(DataFolder.from_environment(), wanted, limit=PAGE_ROWS, offset=(page - 1) * PAGE_ROWS)
    return render(
        request, "runs.html", here="runs", runs=runs, found=found, wanted=wanted, page=page, page_rows=PAGE_ROWS
    )


@router.get("/runs/of-dag-run", response_model=None)
def show_run_of_dag_run(request: Request, dag_id: str, dag_run_id: str) -> RedirectResponse | HTMLResponse:
    """What a DAG run of Airflow's did: its last try, or that it did nothing here."""
    found = runs_of_dag_run(DataFolder.from_environment(), dag_id, dag_run_id)
    if found:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/runs/{found[-1]}", status_code=303)
    return render(request, "no_run.html", here="runs", what=f"{dag_run_id} of {dag_id}", status_code=404)


@router.get("/runs/{run_id}")
def show_run(request: Request, run_id: str) -> HTMLResponse:
    """The story of a run."""
    run = one_run(DataFolder.from_environment(), run_id)
    if run is None:
        return render(request, "no_run.html", here="runs", what=run_id, status_code=404)
    return render(request, "run.html", here="runs", run=run, outcomes=OUTCOMES)
