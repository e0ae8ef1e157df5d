"""The overview: a card for each source."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ncbi_virus.pages.rendering import render

router = APIRouter()


@router.get("/")
def overview(request: Request) -> HTMLResponse:
    """A card for each source, or what to do when there is none yet."""
    return render(request, "overview.html", here="")
