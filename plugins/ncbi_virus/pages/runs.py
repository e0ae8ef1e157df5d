"""The run ledger, and the story of a run."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ncbi_virus.pages.rendering import render

router = APIRouter()


@router.get("/runs")
def runs(request: Request) -> HTMLResponse:
    """The ledger."""
    return render(request, "runs.html", here="runs")
