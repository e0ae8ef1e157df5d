"""The last check of a candidate, in a file of its own.

Reading a candidate while its task writes to it would make the task fail.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from virus_warehouse.atomic_file import write_json
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.approval import KEEP, Answer
from virus_warehouse.publish.gates import BLOCKED, HELD_BACK, WAYS_OUT, Finding, ways_to_accept

_NAME = "last_check.json"


@dataclass(frozen=True)
class Blocked:
    """A finding of no single source, which blocks the publication.

    Attributes:
        gate: name of the gate.
        text: the finding in words.
        way_out: how to resolve it.
    """

    gate: str
    text: str
    way_out: str


@dataclass(frozen=True)
class HeldBack:
    """A finding that holds its source back.

    Attributes:
        source: the source.
        gate: name of the gate.
        finding: the finding in words.
        way_out: how to resolve it.
        kept_by: who answered to keep the last published state; None while nobody has.
    """

    source: str
    gate: str
    finding: str
    way_out: str
    kept_by: str | None = None


@dataclass(frozen=True)
class LastCheck:
    """The last check of a candidate.

    Attributes:
        checked_at: when.
        blocked: the findings that block the publication; empty if nothing does.
        held_back: the findings that hold sources back.
        publication_id: the publication of the candidate; None for checks of earlier versions.
        asked_before: the questions of the check before.
        settled: questions of the check before that nobody answered, and that this one does not have.
    """

    checked_at: datetime
    blocked: tuple[Blocked, ...]
    held_back: tuple[HeldBack, ...] = ()
    publication_id: str | None = None
    asked_before: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def questions(self) -> dict[str, str]:
        """The questions to people, by source: an id that names the findings that nobody has answered."""
        return {source: _question(source, found) for source, found in self.unanswered.items()}

    @property
    def unanswered(self) -> dict[str, list[HeldBack]]:
        """The findings that nobody has answered, by source."""
        return _by_source(found for found in self.held_back if found.kept_by is None)

    @property
    def ways_to_accept(self) -> str:
        """How a person publishes despite what blocks."""
        return ways_to_accept(dict.fromkeys(finding.gate for finding in self.blocked))

    def waiting(self, source: str | None = None) -> dict[str, list[HeldBack]]:
        """The findings that hold sources back, by source.

        Args:
            source: the only source; all by default.
        """
        return _by_source(found for found in self.held_back if source in (None, found.source))


def last_check(data: DataFolder) -> LastCheck | None:
    """The last check, without opening the candidate; None when there was none."""
    return _read(data.candidates)


def write_last_check(candidate: Path, findings: Iterable[Finding], answers: Mapping[str, Answer]) -> None:
    """Write the check of a candidate beside it.

    Args:
        candidate: the candidate.
        findings: the classified findings of its gates.
        answers: the answers that count, by finding.
    """
    blocked, held_back = [], []
    for finding in findings:
        text, way_out = str(finding), WAYS_OUT[finding.gate]
        given = answers.get(text)
        if finding.outcome == BLOCKED:
            blocked.append(Blocked(finding.gate, f"{text}.", way_out))
        elif finding.outcome == HELD_BACK:
            kept_by = given.by if given and given.answer == KEEP else None
            held_back.append(HeldBack(str(finding.source), finding.gate, text, way_out, kept_by))
    check = LastCheck(datetime.now(UTC), tuple(blocked), tuple(held_back), candidate.stem)
    before = _read(candidate.parent)
    if before is not None and before.publication_id == candidate.stem:  # a retry
        asked_before, settled = before.asked_before, before.settled
    elif before is not None:
        asked_before, settled = tuple(before.questions.values()), _settled(before, check, answers)
    else:
        asked_before, settled = (), ()
    content = asdict(replace(check, asked_before=asked_before, settled=settled))
    write_json(candidate.with_name(_NAME), {**content, "checked_at": check.checked_at.isoformat()})


def _settled(before: LastCheck, check: LastCheck, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """The questions of the check before that nobody has answered since, and that this check does not have."""
    unanswered = {
        before.questions[source]
        for source, findings in before.unanswered.items()
        if not any(found.finding in answers for found in findings)
    }
    return tuple(sorted(unanswered - set(check.questions.values())))


def _by_source(findings: Iterable[HeldBack]) -> dict[str, list[HeldBack]]:
    by_source: dict[str, list[HeldBack]] = {}
    for found in findings:
        by_source.setdefault(found.source, []).append(found)
    return by_source


def _question(source: str, findings: Iterable[HeldBack]) -> str:
    """The id of the question about findings of a source: the same for the same findings."""
    texts = sorted(found.finding for found in findings)
    return f"{source}__{hashlib.sha256(repr(texts).encode()).hexdigest()[:8]}"


def _read(folder: Path) -> LastCheck | None:
    try:
        check = json.loads((folder / _NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return LastCheck(
        datetime.fromisoformat(check["checked_at"]),
        # Files of earlier versions have no text, no held-back sources and no publication.
        tuple(
            Blocked(finding["gate"], finding.get("text", finding["gate"]), finding["way_out"])
            for finding in check["blocked"]
        ),
        tuple(HeldBack(**finding) for finding in check.get("held_back", ())),
        check.get("publication_id"),
        tuple(check.get("asked_before", ())),
        tuple(check.get("settled", ())),
    )
