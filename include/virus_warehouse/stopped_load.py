"""Full loads and censuses that missing records or emptied fields stopped, and what people answer.

The package is in the archive, and its sidecar says what stopped it: a person approves it, and it is loaded without a
new download; or keeps what is held. A newer full load or census of the source replaces the question.
"""

import hashlib
from collections.abc import Iterable

from virus_warehouse.archive import REFUSED, VERIFIED, Archive, ArchivedPackage
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import UsageError
from virus_warehouse.publish.approval import KEEP, record_answer
from virus_warehouse.run_mode import FULL
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse

WAY_OUT = (
    "Look up some of these records in NCBI Virus. If NCBI has really changed them, load the package; if not, keep what "
    "is held: the next census asks NCBI again"
)
"""How to resolve it."""


class NothingStopped(UsageError):
    """There is no stopped load to answer, or another has replaced it."""


def stopped_load(data: DataFolder, source: Source) -> ArchivedPackage | None:
    """The package of the stopped load of a source, answered or not.

    None when its newest full load was committed, or failed in a way that nobody can accept; when the package is gone;
    and when the source has changed since.

    Args:
        data: the data folder.
        source: the source.
    """
    archive = Archive(data.packages, source.name)
    # One that is only verified belongs to a run that works, or that failed for another reason: it is no news.
    full = (package for package in archive.packages() if package.mode == FULL and package.state != VERIFIED)
    newest = next(full, None)
    if newest is None or newest.state != REFUSED or not newest.stopped_by:
        return None
    return newest if newest.fingerprint == source.fingerprint and archive.is_whole(newest) else None


def waiting_load(data: DataFolder, source: Source) -> ArchivedPackage | None:
    """The package of the stopped load of a source that nobody has answered; None when there is none.

    Args:
        data: the data folder.
        source: the source.
    """
    package = stopped_load(data, source)
    return package if package and not package.is_answered else None


def stopped_loads(data: DataFolder, sources: Iterable[Source]) -> dict[str, ArchivedPackage]:
    """The packages of the stopped loads of these sources, by source."""
    found = ((source.name, stopped_load(data, source)) for source in sources)
    return {name: package for name, package in found if package is not None}


def package_to_load(data: DataFolder, source: Source, run_id: str) -> ArchivedPackage:
    """The package of a stopped run, to be loaded.

    Args:
        data: the data folder.
        source: its source.
        run_id: the stopped run.

    Raises:
        NothingStopped: when it is not the stopped load of the source.
    """
    package = stopped_load(data, source)
    if package is None or package.run_id != run_id:
        instead = f"; run {package.run_id} has replaced it" if package else ""
        raise NothingStopped(
            f"run {run_id} is not a stopped load of {source.name}{instead}. `virus-warehouse approve` lists what waits"
        )
    return package


def answer_stopped_load(
    warehouse: Warehouse, data: DataFolder, source: Source, run_id: str, answer: str, by: str
) -> None:
    """Record an answer; to load the package, call `ingest` with `archived` then.

    Args:
        warehouse: the warehouse.
        data: the data folder.
        source: the source.
        run_id: the stopped run that was asked about.
        answer: `load` or `keep`.
        by: who answers.

    Raises:
        NothingStopped: when it is not the stopped load of the source any more.
        WarehouseLocked: when the warehouse stays in use for too long.
    """
    package = package_to_load(data, source, run_id)
    finding = str(package.finding)
    record_answer(warehouse, source.name, [(what, finding) for what in package.stopped_by], answer, by)
    who = {"approved_by": None, "kept_by": by} if answer == KEEP else {"approved_by": by, "kept_by": None}
    Archive(data.packages, source.name).change(run_id, **who)


def question_of(package: ArchivedPackage) -> str:
    """The id of the question about a stopped load: another one where something else has to be accepted, too."""
    asked = hashlib.sha256(repr((package.run_id, package.stopped_by)).encode()).hexdigest()[:8]
    return f"{package.source}__{asked}"


def questions_to_ask(data: DataFolder, sources: Iterable[Source]) -> list[tuple[str, str]]:
    """Sources and ids of the questions that are to be asked in Airflow, each once.

    Args:
        data: the data folder.
        sources: the sources.
    """
    to_ask = []
    for source, package in stopped_loads(data, sources).items():
        if not package.is_answered and package.asked is None:
            to_ask.append((source, question_of(package)))
            Archive(data.packages, source).change(package.run_id, asked=question_of(package))
    return to_ask


def settled_questions(data: DataFolder, sources: Iterable[Source]) -> list[tuple[str, str]]:
    """Sources and ids of the questions that Airflow has to end, each once: answered elsewhere, or replaced.

    Args:
        data: the data folder.
        sources: the sources.
    """
    settled = []
    for source in sources:
        archive, waiting = Archive(data.packages, source.name), stopped_load(data, source)
        for package in archive.packages():
            is_waiting = waiting is not None and package.run_id == waiting.run_id and not package.is_answered
            if package.asked is not None and not is_waiting:
                settled.append((source.name, package.asked))
                archive.change(package.run_id, asked=None)
    return settled
