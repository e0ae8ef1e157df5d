"""`virus-warehouse run`, `census` and `replay`: one run of a source and its publication."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from virus_warehouse.cli.arguments import AcceptGate, Json, Source, one_of
from virus_warehouse.cli.failures import EXPLAINED, exit_code, explained
from virus_warehouse.cli.outcome import outcome_of
from virus_warehouse.cli.progress import shown_progress
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.gates import BLOCKING
from virus_warehouse.publish.publication import publish
from virus_warehouse.run_mode import CENSUS, REPLAY, REQUESTABLE
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import warehouse_of
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.windows import WindowError, WindowRequest

ACCEPTABLE = tuple(Acceptance.__dataclass_fields__)

Accept = Annotated[
    list[str] | None,
    one_of(
        (*ACCEPTABLE, *BLOCKING),
        param_decls=["--accept"],
        metavar="WHAT",
        help="Accept, for this run only, what would stop a full load (missing: too many missing records; emptied: an "
        f"emptied field) or hold back the source (a gate: {', '.join(BLOCKING)}). Repeatable.",
    ),
]
Publish = Annotated[bool, typer.Option("--publish/--no-publish", help="Publish a snapshot with what was loaded.")]
Day = typer.Option(metavar="DAY", help="First update date to load, such as 2026-11-01; loads only this window.")


def run(
    source: Source,
    mode: Annotated[
        str | None,
        one_of(REQUESTABLE, metavar="MODE", help=f"{', '.join(REQUESTABLE)}; by default, only updates are loaded."),
    ] = None,
    since: Annotated[str | None, Day] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="End of the window, exclusive.")] = None,
    accept: Accept = None,
    publishes: Publish = True,
    as_json: Json = False,
) -> None:
    """Load NCBI's updates of SOURCE, check them and publish them.

    Exit code 0: success. 1: it failed, or SOURCE is held back. 2: wrong arguments or settings.
    """
    with explained(as_json=as_json):
        if "" in (since, until):
            raise WindowError("--since and --until need a day, such as 2026-11-01")
        window_request = WindowRequest(mode=mode, since=WindowRequest.day(since), until=WindowRequest.day(until))
        window_request.validate(datetime.now(UTC).date())
    _run(source, window_request, accept or (), publishes=publishes, as_json=as_json)


def census(source: Source, accept: Accept = None, publishes: Publish = True, as_json: Json = False) -> None:
    """Load all of SOURCE, find the records that NCBI no longer lists, and publish the result."""
    _run(source, WindowRequest(mode=CENSUS), accept or (), publishes=publishes, as_json=as_json)


def replay(source: Source, accept: AcceptGate = None, publishes: Publish = True, as_json: Json = False) -> None:
    """Parse the quarantined lines of SOURCE again with this version, and publish the result."""
    _run(source, WindowRequest(mode=REPLAY), accept or (), publishes=publishes, as_json=as_json)


def _run(name: str, window_request: WindowRequest, accepted: Sequence[str], *, publishes: bool, as_json: bool) -> None:
    with explained(as_json=as_json):
        followed = read_sources()
        source, data = followed.source(name), DataFolder.from_environment()
        warehouse = warehouse_of(data)
    started, failure = datetime.now(UTC), None
    try:
        with shown_progress() as on_progress, DatasetsClient.from_environment() as client:
            ingest(
                source,
                client=client,
                warehouse=warehouse,
                data=data,
                wish=window_request,
                accepts=Acceptance.of(set(accepted) & set(ACCEPTABLE)),
                on_progress=on_progress,
            )
            if publishes:
                publish(warehouse, data, followed, sorted(set(accepted) & set(BLOCKING)), source=name)
    except EXPLAINED as error:
        failure = error
    own = {"host": platform.node(), "process_id": os.getpid()}
    outcome = outcome_of(data, name, started, own, publishes=publishes, failure=failure)
    typer.echo(json.dumps(outcome.as_json(), default=str) if as_json else str(outcome))
    raise typer.Exit(0 if outcome.succeeded else exit_code(failure))
