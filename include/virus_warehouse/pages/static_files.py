"""Style sheet, scripts and icons. A route, because mounted folders would bypass the login."""

from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

FILES = {path.name: path for path in Path(__file__).parent.glob("*/*") if path.suffix in (".css", ".js", ".svg")}

router = APIRouter()


@router.get("/static/{name}")
def static_file(name: str) -> FileResponse:
    """One of our files, by its name."""
    if name not in FILES:
        raise HTTPException(404, f"there is no file {name}")
    return FileResponse(FILES[name], headers={"Cache-Control": "private, max-age=300"})
