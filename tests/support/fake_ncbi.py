"""An NCBI with a few records that a test controls; it answers every request."""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.support import packages
from tests.support.scripted_server import Answer, ReceivedRequest, ScriptedServer
from tests.support.warehouses import lineage

NOT_YET = datetime.now(UTC).date() + timedelta(days=2)
"""After tomorrow, because a test may run past midnight."""

EVERY_HOST, HUMAN_HOST = "every host", "human host"

GENOMES = f"{packages.DATA_FOLDER}/genomic.fna"

NOTHING_MATCHES = Answer(
    404, body=b'{"error":"Not Found","code":404,"message":"Your request does not match any items in our database"}'
)
UNAVAILABLE = Answer(503)
NO_LISTING = Answer(404, body=b'{"error":"Not Found","code":404,"message":"Your request is invalid"}')


@dataclass(frozen=True)
class Line:
    """A readable line of a data report: a record in one state."""

    accession: str
    version: int
    update_date: date
    length: int
    isolate: str | None
    host: str | None

    @property
    def rank(self) -> tuple[int, date]:
        """Sort key that decides which state of a record is kept."""
        return (self.version, self.update_date)

    @property
    def content(self) -> dict[str, object]:
        """The record's values without its update date, by the names of the warehouse's columns."""
        return {
            "version": self.version,
            "length": self.length,
            "isolate_name": self.isolate,
            "host_common_name": self.host,
        }


Genome = tuple[str, str]
"""An entry of a FASTA file: its accession.version and its letters."""

LACKING, CUT, TWICE, TWO_OF_A_NAME, AHEAD, OTHER_LETTERS, STRAY = (
    "lacking", "cut", "twice", "two of a name", "ahead", "other letters", "a stray beside it"
)  # fmt: skip
"""How the genome of a record may be beside its report."""


@dataclass(frozen=True)
class BadLine:
    """An unreadable line, perhaps with a readable accession."""

    text: str
    accession: str | None = None


class World:
    """The current records of NCBI. Records are picked by any number, modulo the number of records."""

    def __init__(self) -> None:
        self.records: dict[str, Line] = {}
        self.past: dict[str, list[Line]] = {}
        self.strays: list[tuple[int, Line | BadLine]] = []
        """Lines beside those of the records, with the places where they stand."""
        self.genomes_off: dict[str, str] = {}
        """Accessions whose genome is not as it should be, and how."""
        self.family = "Poxviridae"
        self.annotates = False
        """Whether packages have an annotation of every record they list, and its BioSample."""
        self.further: dict[str, list[str]] = {}
        """Lines of the annotation and BioSample reports besides, by report."""

    def show(self, line: Line) -> None:
        self.records[line.accession] = line
        self.past.setdefault(line.accession, []).append(line)

    def pick(self, number: int) -> Line | None:
        lines = list(self.records.values())
        return lines[number % len(lines)] if lines else None

    def pick_past(self, record: int, state: int) -> Line | None:
        if not self.past:
            return None
        states = list(self.past.values())[record % len(self.past)]
        return states[state % len(states)]

    def further_reports(self, lines: Iterable[Line | BadLine]) -> dict[str, list[str]]:
        """The lines of the reports beside a data report of these lines."""
        reports = {name: [*stray] for name, stray in self.further.items()}
        if self.annotates:
            for name, convert in (("annotation_report", as_annotation), ("biosample_report", as_biosample)):
                reports.setdefault(name, []).extend(convert(line) for line in lines if isinstance(line, Line))
        return reports

    def report(self, filters: str, updated_since: date | None) -> tuple[Line | BadLine, ...]:
        """The lines of the data report that answers a request."""
        lines: list[Line | BadLine] = list(self.records.values())
        for position, line in self.strays:
            lines.insert(position, line)
        return tuple(line for line in lines if isinstance(line, BadLine) or _matches(line, filters, updated_since))

    def genomes(self, lines: Iterable[Line | BadLine]) -> tuple[Genome, ...]:
        """The FASTA file beside a data report of these lines. Genomes of the same length may be the same."""
        written = {(line.accession, line.version): line.length for line in lines if isinstance(line, Line)}
        return tuple(
            genome
            for (accession, version), length in written.items()
            for genome in _genomes(accession, version, length, self.genomes_off.get(accession))
        )


@dataclass(frozen=True)
class Released:
    """A new record; late if its date is before others that were shown."""

    accession: str
    day: date
    host: str | None

    def happen(self, world: World) -> None:
        if self.accession not in world.past:
            world.show(Line(self.accession, 1, self.day, 1, None, self.host))


@dataclass(frozen=True)
class Revised:
    """Fields change, with or without the date, which may also move back."""

    record: int
    content: dict[str, Any]
    days: int

    def happen(self, world: World) -> None:
        if line := world.pick(self.record):
            world.show(_later(replace(line, **self.content), self.days))


@dataclass(frozen=True)
class Redated:
    """NCBI changes only the date."""

    record: int
    days: int

    def happen(self, world: World) -> None:
        if line := world.pick(self.record):
            world.show(_later(line, self.days))


@dataclass(frozen=True)
class VersionBumped:
    """A new sequence."""

    record: int
    days: int

    def happen(self, world: World) -> None:
        if line := world.pick(self.record):
            world.show(_later(replace(line, version=line.version + 1), self.days))


@dataclass(frozen=True)
class DatedInTheFuture:
    """A mistake of NCBI's."""

    record: int

    def happen(self, world: World) -> None:
        if line := world.pick(self.record):
            world.show(replace(line, update_date=NOT_YET))


@dataclass(frozen=True)
class ShownInPastState:
    """One of NCBI's servers is outdated, or a record returns."""

    record: int
    state: int

    def happen(self, world: World) -> None:
        if line := world.pick_past(self.record, self.state):
            world.show(line)


@dataclass(frozen=True)
class NoLongerShown:
    """A record is removed, perhaps temporarily."""

    record: int

    def happen(self, world: World) -> None:
        if line := world.pick(self.record):
            del world.records[line.accession]


@dataclass(frozen=True)
class ListedTwice:
    """A record is in the report a second time, in a new or past state."""

    record: int
    state: int
    content: dict[str, Any]
    position: int

    def happen(self, world: World) -> None:
        if line := world.pick_past(self.record, self.state):
            world.strays.append((self.position, replace(line, **self.content)))


@dataclass(frozen=True)
class LineBroken:
    """The report has an unreadable line."""

    line: BadLine
    position: int

    def happen(self, world: World) -> None:
        world.strays.append((self.position, self.line))


@dataclass(frozen=True)
class ReportRepaired:
    """Broken and repeated lines are removed."""

    def happen(self, world: World) -> None:
        world.strays.clear()


@dataclass(frozen=True)
class GenomeOff:
    """The FASTA file does not fit the report, or has other letters than before."""

    record: int
    how: str

    def happen(self, world: World) -> None:
        if line := world.pick(self.record):
            world.genomes_off[line.accession] = self.how


@dataclass(frozen=True)
class GenomesRepaired:
    """Each record has its genome again."""

    def happen(self, world: World) -> None:
        world.genomes_off.clear()


@dataclass(frozen=True)
class FamilyRenamed:
    """A taxon above the records has another name."""

    name: str

    def happen(self, world: World) -> None:
        world.family = self.name


Change = (
    Released | Revised | Redated | VersionBumped | DatedInTheFuture | ShownInPastState | NoLongerShown
    | ListedTwice | LineBroken | ReportRepaired | FamilyRenamed | GenomeOff | GenomesRepaired
)  # fmt: skip


class FakeNcbi(ScriptedServer):
    """Serves its world; `breaks` replaces the next responses, one per request.

    It lists no records, so that nothing is downloaded in parts; `requests` has the downloads only.
    """

    def __init__(self) -> None:
        super().__init__(UNAVAILABLE)
        self.world = World()
        self.breaks: list[Answer] = []

    def next_answer(self, request: ReceivedRequest) -> Answer:
        if request.method == "POST":
            return NO_LISTING
        super().next_answer(request)
        query = dict(request.query)
        since = query.get("filter.updated_since", query.get("updated_since"))
        filters = HUMAN_HOST if "human" in query.values() else EVERY_HOST
        lines = self.world.report(filters, date.fromisoformat(since[:10]) if since else None)
        if self.breaks:
            return self.breaks.pop()
        if not lines:
            return NOTHING_MATCHES
        texts = [as_text(line, self.world.family) for line in lines]
        others = {GENOMES: as_fasta(self.world.genomes(lines))} if query.get("include_sequence") == "GENOME" else {}
        return Answer(body=packages.package(texts, others=others, **self.world.further_reports(lines)))  # type: ignore[arg-type]


def damaged() -> Answer:
    """A package that ends too early."""
    return Answer(body=packages.package(["{}"])[:-30])


def as_text(line: Line | BadLine, family: str) -> str:
    """The text of a line in a data report."""
    if isinstance(line, BadLine):
        return line.text
    record = {
        "accession": f"{line.accession}.{line.version}",
        "updateDate": f"{line.update_date}T00:00:00Z",
        "length": line.length,
        "isolate": {"name": line.isolate} if line.isolate else None,
        "host": {"commonName": line.host} if line.host else None,
        "virus": {
            "taxId": 10244,
            "organismName": "Monkeypox virus",
            "lineage": lineage((10239, "Viruses"), (10240, family), (10244, "Monkeypox virus")),
        },
    }
    return json.dumps({name: value for name, value in record.items() if value is not None})


def as_fasta(genomes: Iterable[Genome]) -> bytes:
    """A FASTA file of these genomes."""
    return "".join(f">{name} Monkeypox virus\n{letters}\n" for name, letters in genomes).encode()


def _genomes(accession: str, version: int, length: int, off: str | None) -> list[Genome]:
    """The genome of a record, which differs for each version and length; and what is in its place if it is off."""
    name = f"{accession}.{version}"
    genome = name, _letters(f"{name} {length}", length)
    other = name, _letters(f"{name} {length} again", length)
    return {
        None: [genome],
        LACKING: [],
        CUT: [(name, genome[1][1:] or "ACGT")],
        TWICE: [genome, genome],
        TWO_OF_A_NAME: [genome, other],
        AHEAD: [(f"{accession}.{version + 1}", genome[1])],
        OTHER_LETTERS: [other],
        STRAY: [(f"{accession}X.1", other[1]), genome],
    }[off]


def _letters(seed: str, length: int) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def as_annotation(line: Line) -> str:
    """An annotation that differs for each state of a record."""
    gene = {"name": f"{line.isolate} {line.length}", "cds": [{"name": "a", "maturePeptide": [{"name": "b"}]}]}
    return json.dumps({"accession": f"{line.accession}.{line.version}", "genes": [gene]})


def as_biosample(line: Line) -> str:
    """The BioSample of a record, with an attribute."""
    attributes = [{"name": "host", "value": line.host or "missing"}]
    return json.dumps(
        {
            "accession": f"SAM{line.accession}",
            "lastUpdated": f"{line.update_date}T00:00:00.000",
            "attributes": attributes,
        }
    )


def _later(line: Line, days: int) -> Line:
    return line if line.update_date == NOT_YET else replace(line, update_date=line.update_date + timedelta(days=days))


def is_shown_to(filters: str, line: Line) -> bool:
    """Whether a record is one of those that the filters ask for."""
    return filters == EVERY_HOST or line.host == "human"


def _matches(line: Line, filters: str, updated_since: date | None) -> bool:
    return is_shown_to(filters, line) and (updated_since is None or line.update_date >= updated_since)
