"""`virus-warehouse approve`: answer the findings that hold sources back."""

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from virus_warehouse.cli.arguments import Json, known_sources
from virus_warehouse.cli.failures import explained
from virus_warehouse.cli.outcome import held_back_in_words
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import UsageError
from virus_warehouse.followed import followed_sources
from virus_warehouse.publish import publication
from virus_warehouse.publish.about import published_about
from virus_warehouse.publish.approval import KEEP, PUBLISH, record_answer
from virus_warehouse.publish.last_check import HeldBack, last_check
from virus_warehouse.warehouse.connection import Warehouse


class NothingToApprove(UsageError):
    """No finding of the source waits for an answer."""


def approve(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE", help="A source that is held back. Without it: what waits.", autocompletion=known_sources
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the last published state; the same findings are not asked again.")
    ] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who answers; by default, you.")] = None,
    as_json: Json = False,
) -> None:
    """Publish SOURCE despite the findings that hold it back, or list what is held back.

    The answer counts for the findings of the last check: with others, SOURCE stays held back.

    Exit code 0: done. 1: SOURCE is still held back, or publishing failed. 2: wrong arguments or settings, or nothing of
    SOURCE waits.
    """
    with explained(as_json=as_json):
        data = DataFolder.from_environment()
        check = last_check(data)
        waiting = check.waiting(source) if check else {}
        if source is None:
            if keep:
                raise UsageError("--keep needs a SOURCE")
            typer.echo(json.dumps(_as_json(waiting)) if as_json else _listed(data, waiting))
            return
        if not waiting:
            raise NothingToApprove(
                f"nothing of {source} waits for an answer; `virus-warehouse approve` lists what does"
            )
        warehouse, answer = Warehouse(data.warehouse), KEEP if keep else PUBLISH
        findings = [(found.gate, found.finding) for found in waiting[source]]
        record_answer(warehouse, source, findings, answer, by or getpass.getuser())
        about = publication.publish(warehouse, data, followed_sources(data))
    is_held_back = source in about.held_back
    if as_json:
        held_back = {name: since.isoformat() for name, since in about.held_back.items()}
        typer.echo(json.dumps({"source": source, "answer": answer, "held_back": held_back}))
    elif keep:
        typer.echo(f"OK {source} keeps its last published state. The same findings are not asked again.")
    elif is_held_back:
        typer.echo(f"FAILED {source} has other findings now: {held_back_in_words(about, source)}")
    else:
        typer.echo(f"OK {source} is published.")
    raise typer.Exit(1 if is_held_back and not keep else 0)


def _listed(data: DataFolder, waiting: Mapping[str, Sequence[HeldBack]]) -> str:
    if not waiting:
        return "Nothing waits for an answer."
    about = published_about(data)
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
    return "\n".join(lines)


def _as_json(waiting: Mapping[str, Sequence[HeldBack]]) -> dict[str, list[dict[str, object]]]:
    return {source: [asdict(found) for found in findings] for source, findings in waiting.items()}
