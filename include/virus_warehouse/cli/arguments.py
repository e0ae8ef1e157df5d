"""Arguments that several commands have."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from virus_warehouse.publish.gates import BLOCKING
from virus_warehouse.sources import SourceError, read_sources


def one_of(names: Sequence[str], **settings: Any) -> Any:
    """An option that takes one of these names.

    Args:
        names: what is allowed.
        settings: as `typer.Option` takes them; its names as `param_decls`.
    """

    def parse(value: str) -> str:
        if value not in names:
            raise typer.BadParameter(f"{value!r} is none of {', '.join(names)}")
        return value

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return typer.Option(*settings.pop("param_decls", ()), parser=parse, autocompletion=complete, **settings)


def _known_sources(incomplete: str) -> list[str]:
    try:
        return [name for name in read_sources().sources if name.startswith(incomplete)]
    except SourceError:
        return []


Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A source of the sources file.", autocompletion=_known_sources)
]
AnySource = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Name of a source, followed or not.", autocompletion=_known_sources)
]
AcceptGate = Annotated[
    list[str] | None,
    one_of(
        BLOCKING,
        param_decls=["--accept"],
        metavar="GATE",
        help=f"Publish despite the findings of this gate, this once. Repeatable: {', '.join(BLOCKING)}.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")]
