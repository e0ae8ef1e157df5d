"""`virus-warehouse verify`: prove a snapshot against its manifest."""

import json
from typing import Annotated, Any

import typer

from virus_warehouse.cli.arguments import Json
from virus_warehouse.cli.failures import explained
from virus_warehouse.cli.progress import shown_bytes
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import verify as verifying
from virus_warehouse.publish.places import Place


def verify(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE-or-URL",
            help="A snapshot, its manifest or their folder, here or on a web server; by default what is published.",
        ),
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option(metavar="FILE-or-URL", help="The manifest, if it is not beside the snapshot."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove a snapshot against its manifest: size, SHA-256, opens with DuckDB, schema revision, counts.

    Exit code 0: whole. 1: something differs, or cannot be read.
    """
    data = DataFolder.to_query()
    if target is None and not data.snapshot.exists() and not data.manifest.exists():
        message = f"Nothing is published in {data.root} yet. `virus-warehouse run SOURCE` loads and publishes a source."
        if as_json:
            typer.echo(json.dumps({"succeeded": False, "message": message}))
        typer.echo(message, err=True)
        raise typer.Exit(1)
    place, of_manifest = _place(target or str(data.published)), _place(manifest) if manifest else None
    with explained(as_json=as_json), shown_bytes() as on_progress:
        verified = verifying.verify(place, of_manifest, on_progress)
    if as_json:
        typer.echo(json.dumps(_as_json(verified)))
    else:
        for difference in verified.differences:
            typer.echo(_printable(f"DIFFERS {difference}"))
        typer.echo(_printable(_summary(verified)))
    raise typer.Exit(1 if verified.differences else 0)


def _place(text: str) -> Place:
    try:
        return verifying.place_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _printable(line: str) -> str:
    """A line without control characters: a manifest from elsewhere shall not write to a terminal what it likes."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _summary(verified: verifying.Verified) -> str:
    size = sum(file.bytes for file in verified.files)
    names = ", ".join(file.name for file in verified.files)
    outcome = "FAILED" if verified.differences else "OK"
    is_or_not = "is not" if verified.differences else "is"
    return (
        f"{outcome} {names} {is_or_not} as {verified.place} says: publication {verified.manifest.identity}, "
        f"{size:,} bytes."
    )


def _as_json(verified: verifying.Verified) -> dict[str, Any]:
    return {
        "succeeded": not verified.differences,
        "message": _summary(verified),
        "manifest": verified.place,
        "publication_id": verified.manifest.publication_id,
        "made_at": verified.manifest.made_at,
        "files": [file.model_dump() for file in verified.files],
        "differences": [vars(difference) for difference in verified.differences],
    }
