"""`virus-warehouse approve`: answer the findings that hold sources back, and those that stopped full loads."""

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from virus_warehouse.archive import ArchivedPackage
from virus_warehouse.cli.arguments import Json, known_sources
from virus_warehouse.cli.failures import explained
from virus_warehouse.cli.outcome import held_back_in_words
from virus_warehouse.cli.progress import shown_progress
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import UsageError
from virus_warehouse.followed import followed_sources
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish import publication
from virus_warehouse.publish.about import published_about
from virus_warehouse.publish.approval import KEEP, LOAD, PUBLISH, record_answer
from virus_warehouse.publish.last_check import HeldBack, last_check
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.stopped_load import WAY_OUT, answer_stopped_load, stopped_loads
from virus_warehouse.warehouse.connection import Warehouse, warehouse_of


class NothingToApprove(UsageError):
    """No finding of the source waits for an answer."""


def approve(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="A source that is held back, or whose full load was stopped. Without it: what waits.",
            autocompletion=known_sources,
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Keep the last published state, or the records held; the same findings are not asked about again.",
        ),
    ] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who answers; by default, you.")] = None,
    as_json: Json = False,
) -> None:
    """Publish SOURCE despite the findings that hold it back, and load what was stopped; or list what waits.

    A full load or census that too many missing records or emptied fields stopped is loaded from the archive, without
    a new download. The answer counts for the findings that are listed: with others, SOURCE stays held back.

    Exit code 0: done. 1: SOURCE is still held back, or loading or publishing failed. 2: wrong arguments or settings, or
    nothing of SOURCE waits.
    """
    with explained(as_json=as_json):
        data = DataFolder.from_environment()
        followed, check = followed_sources(data), last_check(data)
        held_back = check.waiting(source) if check else {}
        stopped = stopped_loads(data, [known for known in followed.sources.values() if source in (None, known.name)])
        if source is None:
            if keep:
                raise UsageError("--keep needs a SOURCE")
            typer.echo(json.dumps(_as_json(held_back, stopped)) if as_json else _listed(data, held_back, stopped))
            return
        if not held_back and not stopped:
            raise NothingToApprove(
                f"nothing of {source} waits for an answer; `virus-warehouse approve` lists what does"
            )
        warehouse, by, loaded = warehouse_of(data), by or getpass.getuser(), None
        if source in stopped:
            run_id = stopped[source].run_id
            answer_stopped_load(warehouse, data, followed.source(source), run_id, KEEP if keep else LOAD, by)
            loaded = None if keep else _load(warehouse, data, followed.source(source), run_id)
        if source in held_back:
            findings = [(found.gate, found.finding) for found in held_back[source]]
            record_answer(warehouse, source, findings, KEEP if keep else PUBLISH, by)
        about = publication.publish(warehouse, data, followed)
    is_held_back = source in about.held_back
    if as_json:
        answer = KEEP if keep else LOAD if loaded else PUBLISH
        since_when = {name: since.isoformat() for name, since in about.held_back.items()}
        run = {"run_id": loaded.run_id} if loaded else {}
        typer.echo(json.dumps({"source": source, "answer": answer, **run, "held_back": since_when}))
    elif keep:
        what = "its last published state" if source in held_back else "the records that it holds"
        typer.echo(f"OK {source} keeps {what}. The same findings are not asked about again.")
    elif is_held_back:
        and_loaded = f"{loaded}; it" if loaded else source
        typer.echo(f"FAILED {and_loaded} has other findings now: {held_back_in_words(about, source)}")
    else:
        typer.echo(f"OK {loaded}; it is published." if loaded else f"OK {source} is published.")
    raise typer.Exit(1 if is_held_back and not keep else 0)


def _load(warehouse: Warehouse, data: DataFolder, source: Source, run_id: str) -> IngestResult:
    with shown_progress() as on_progress, DatasetsClient.from_environment() as client:
        return ingest(source, client=client, warehouse=warehouse, data=data, on_progress=on_progress, archived=run_id)


def _listed(
    data: DataFolder, held_back: Mapping[str, Sequence[HeldBack]], stopped: Mapping[str, ArchivedPackage]
) -> str:
    lines = [*_held_back_in_lines(data, held_back)]
    for source, package in stopped.items():
        state = "waits for an answer"
        if package.kept_by:
            state = f"kept by {package.kept_by}"
        elif package.approved_by:
            state = f"approved by {package.approved_by}, and not loaded yet"
        lines.append(f"{source}: the {package.kind} of {package.requested_at:%Y-%m-%d %H:%M} UTC was stopped, {state}:")
        lines.append(f"  {package.finding} {WAY_OUT}.")
        lines.append(f"  To load the archived package: virus-warehouse approve {source}")
        if not package.kept_by:
            lines.append(f"  To keep the records held: virus-warehouse approve {source} --keep")
    return "\n".join(lines) or "Nothing waits for an answer."


def _held_back_in_lines(data: DataFolder, waiting: Mapping[str, Sequence[HeldBack]]) -> Sequence[str]:
    about = published_about(data) if waiting else None
    since = about.held_back if about else {}
    lines = []
    for source, findings in waiting.items():
        kept_by = [found.kept_by for found in findings if found.kept_by]
        state = f", kept by {kept_by[0]}" if len(kept_by) == len(findings) else ", waits for an answer"
        when = f" since {since[source]:%Y-%m-%d %H:%M} UTC" if source in since else ""
        lines.append(f"{source} is held back{when}{state}:")
        lines += [f"  {found.finding}. {found.way_out}" for found in findings]
        lines.append(f"  To publish it despite this: virus-warehouse approve {source}")
        if len(kept_by) < len(findings):
            lines.append(f"  To keep its last published state: virus-warehouse approve {source} --keep")
    return lines


def _as_json(
    held_back: Mapping[str, Sequence[HeldBack]], stopped: Mapping[str, ArchivedPackage]
) -> dict[str, list[dict[str, object]]]:
    waiting: dict[str, list[dict[str, object]]] = {
        source: [{"to": PUBLISH, **asdict(found)} for found in findings] for source, findings in held_back.items()
    }
    for source, package in stopped.items():
        of_load = {"to": LOAD, "source": source, "run_id": package.run_id, "is_census": package.is_census}
        answers = {"kept_by": package.kept_by, "approved_by": package.approved_by}
        waiting.setdefault(source, []).extend(
            {**of_load, "gate": what, "finding": package.finding, "way_out": WAY_OUT, **answers}
            for what in package.stopped_by
        )
    return waiting
