"""`virus-warehouse publish`: publish a snapshot of what was loaded."""

import json
from typing import Annotated

import typer

from virus_warehouse.cli.arguments import AcceptGate, Json, refuse_mistyped
from virus_warehouse.cli.failures import explained
from virus_warehouse.cli.outcome import held_back_in_words
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.followed import followed_sources
from virus_warehouse.publish import publication
from virus_warehouse.warehouse.connection import warehouse_of


def publish(
    source: Annotated[str | None, typer.Option(help="Accept only findings of this source; all by default.")] = None,
    accept: AcceptGate = None,
    as_json: Json = False,
) -> None:
    """Publish a snapshot of what was loaded, once it has passed its gates.

    Exit code 0: everything is published. 1: a source is held back, or publishing is blocked. 2: wrong
    arguments or settings.
    """
    with explained(as_json=as_json):
        data = DataFolder.from_environment()
        warehouse = warehouse_of(data)
        if source is not None:  # before the warehouse is copied
            with warehouse.session() as session, warehouse.transaction(session):
                refuse_mistyped(source, session)
        about = publication.publish(warehouse, data, followed_sources(data), accept or (), source=source)
    if as_json:
        held_back = {name: since.isoformat() for name, since in about.held_back.items()}
        outcome = {"snapshot": str(data.snapshot), "publication_id": about.publication_id}
        typer.echo(json.dumps({**outcome, "held_back": held_back, "findings": list(about.findings)}))
    elif about.held_back:
        held = " ".join(f"{name}: {held_back_in_words(about, name)}" for name in sorted(about.held_back))
        typer.echo(f"FAILED {data.snapshot} is published without all sources. {held}")
    else:
        typer.echo(f"OK {data.snapshot} is published.")
    raise typer.Exit(1 if about.held_back else 0)
