"""Copies of a warehouse that are not complete: each says so in place of its schema revision.

Everything that opens a warehouse reads its revision first, so that no command uses one, also of earlier versions.
"""

from pathlib import Path

from virus_warehouse.failure import PermanentFailure

_BEGINNING = "incomplete copy of "


class IncompleteCopy(PermanentFailure):
    """The warehouse is a copy of another one that is not complete; nothing was changed."""


def incomplete_copy_of(location: str, revision: str) -> str:
    """What an incomplete copy says in place of its schema revision.

    Args:
        location: of the warehouse that it is a copy of.
        revision: the schema revision that it will have.
    """
    return f"{_BEGINNING}{location}, of schema revision {revision}"


def is_incomplete_copy(revision: str | None) -> bool:
    """Whether what stands in place of a schema revision says that."""
    return revision is not None and revision.startswith(_BEGINNING)


def refuse_incomplete_copy(revision: str | None, place: Path | str) -> None:
    """Reject an incomplete copy.

    Args:
        revision: what stands in place of its schema revision.
        place: the file, or another location of a warehouse.

    Raises:
        IncompleteCopy: when it is one.
    """
    if is_incomplete_copy(revision):
        raise IncompleteCopy(
            f"{place} is no warehouse yet, but an {revision}. Set VIRUS_WAREHOUSE to what it is a copy of, and run the "
            f"same `virus-warehouse migrate --to ...` again: it goes on where it was. Or remove {place}"
        )
