"""The overview: a card for each source."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from virus_warehouse.pages.current_data import current_data
from virus_warehouse.pages.host import DagStates, SchedulerState
from virus_warehouse.pages.overview.overview import overview
from virus_warehouse.pages.rendering import render
from virus_warehouse.sources import SourceError, SourcesFile, read_sources, sources_path

router = APIRouter()


@router.get("/")
def show_overview(request: Request, dags: DagStates, scheduler: SchedulerState) -> HTMLResponse:
    """A card for each source, or what to do when nothing has run yet."""
    path, fault = sources_path(), None
    try:
        followed = read_sources(path)
    except SourceError as error:
        followed, fault = SourcesFile(path), error
    content = overview(current_data(), followed)
    return render(
        request,
        "overview/overview.html",
        here="",
        content=content,
        dags=dags,
        scheduler=scheduler,
        sources_path=path,
        fault=fault,
    )
