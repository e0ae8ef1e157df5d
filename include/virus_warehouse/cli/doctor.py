"""`virus-warehouse doctor`: what is wrong with this installation."""

import json
import logging
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from virus_warehouse import __version__
from virus_warehouse.cli.arguments import Json
from virus_warehouse.doctor.finding import Finding, Verdict
from virus_warehouse.doctor.installation import Installation

_NAME_WIDTH, _VERDICT_WIDTH = 12, 8
_INDENT = _NAME_WIDTH + _VERDICT_WIDTH + 2
_NARROWEST = 60
_ONLY_AT_SPACES: Any = {"break_long_words": False, "break_on_hyphens": False}


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Skip the checks that need the network.")] = False,
    airflow: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="AIRFLOW__API__BASE_URL", help="Address of Airflow, to ask whether it is healthy."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Examine this installation, and say what is wrong and what to do. Changes nothing; safe beside running loads.

    Exit code 0: nothing failed; there may be warnings. 1: a check failed. 2: a setting or the sources file is wrong.
    """
    # The checks import the pages and psutil, which would delay every other command.
    from virus_warehouse.doctor.examination import examine

    logging.getLogger("virus_warehouse").setLevel(logging.ERROR)  # the findings say it
    findings: dict[str, Finding] = {}
    for name, finding in examine(Installation(offline=offline, airflow_url=airflow)):
        findings[name] = finding
        if not as_json:
            _show(name, finding)
    summary = _summary(findings)
    typer.echo(json.dumps(_as_json(findings, summary)) if as_json else summary)
    raise typer.Exit(max(finding.exit_code for finding in findings.values()))


def _show(name: str, finding: Finding) -> None:
    first, indent = f"{finding.verdict:<{_VERDICT_WIDTH}} {name:<{_NAME_WIDTH}} ", " " * _INDENT
    typer.echo(_wrapped(_printable(finding.message), first, indent))
    if finding.way_out:
        typer.echo(_wrapped(_printable(finding.way_out), f"{indent}-> ", f"{indent}   "))


def _wrapped(text: str, first: str, indent: str) -> str:
    """A text in lines of the terminal's width; in one line for a pipe or a file, where it may be searched."""
    if not sys.stdout.isatty():
        return first + text
    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=indent, **_ONLY_AT_SPACES)


def _printable(line: str) -> str:
    """A line without control characters: a server's message shall not write to a terminal what it likes."""
    return "".join(letter if letter.isprintable() else " " for letter in line)


def _summary(findings: Mapping[str, Finding]) -> str:
    failed = [name for name, finding in findings.items() if finding.verdict is Verdict.FAILURE]
    counts = Counter(finding.verdict for finding in findings.values())
    counted = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return f"FAILED {', '.join(failed)} ({counted})" if failed else f"OK nothing failed ({counted})"


def _as_json(findings: Mapping[str, Finding], summary: str) -> dict[str, object]:
    return {
        "succeeded": all(finding.verdict is not Verdict.FAILURE for finding in findings.values()),
        "message": summary,
        "version": __version__,
        "checks": [
            {"check": name, "verdict": finding.verdict, "message": finding.message, "way_out": finding.way_out}
            for name, finding in findings.items()
        ],
    }
