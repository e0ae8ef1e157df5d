"""The result of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        verdict: how it ended.
        message: what it found, with names and numbers.
        way_out: what to do, in one sentence; None when all is well.
        exit_code: of a command that ends with this finding.
    """

    verdict: Verdict
    message: str
    way_out: str | None = None
    exit_code: int = 0


def ok(message: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, message)


def warning(message: str, way_out: str) -> Finding:
    """Somebody should look, but loads and publications work."""
    return Finding(Verdict.WARNING, message, way_out)


def failure(message: str, way_out: str, exit_code: int = 1) -> Finding:
    """Loads or publications fail, or data are lacking."""
    return Finding(Verdict.FAILURE, message, way_out, exit_code)


def skipped(message: str, way_out: str) -> Finding:
    """The check could not be made, and why; nothing is known to be wrong."""
    return Finding(Verdict.SKIPPED, message, way_out)
