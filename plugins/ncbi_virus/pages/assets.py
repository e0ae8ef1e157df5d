"""Style sheet, script and icons. A route like others, because a mounted folder would pass by the login."""

from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

FOLDER = Path(__file__).parent / "static"
FILES = {path.name: path for path in FOLDER.iterdir() if path.is_file()}

router = APIRouter()


@router.get("/static/{name}")
def static_file(name: str) -> FileResponse:
    """One of our files, by its name."""
    if name not in FILES:
        raise HTTPException(404, f"there is no file {name}")
    return FileResponse(FILES[name], headers={"Cache-Control": "private, max-age=300"})
