"""The archive of verified packages, `data/packages/<source>/<run>.zip`, each with a JSON sidecar that describes it.

`loads/` beside them has a record of every committed load; a package may have served several loads, or none.
Packages and load records together are enough to rebuild the warehouse.

Files of any version are read: unknown keys are ignored, missing ones get a default.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from virus_warehouse.atomic_file import unfinished_files, write_json
from virus_warehouse.bucket.copy import filled, refreshed, send
from virus_warehouse.removal import Removed, remove
from virus_warehouse.sequences.molecule import Molecule, molecules_requested
from virus_warehouse.sources import DEFAULT_LIMITS, LoadLimits

logger = logging.getLogger(__name__)

FORMAT = 1
"""Of sidecars and load records. A later format may drop or rename keys that this version reads."""

VERIFIED, ACCEPTED, REFUSED = "verified", "accepted", "refused"
"""State of a package: verified; loaded and committed by a run; or refused by a load gate."""


@dataclass(frozen=True)
class ArchivedPackage:
    """A package and its metadata: enough to load it again, now or in a rebuild.

    Attributes:
        state: `VERIFIED`, `ACCEPTED` or `REFUSED`.
        is_census: whether a full load is also to find missing records.
        stopped_by: what a person has to accept so that a refused package is loaded: names of `Acceptance`. Empty where
            that is not possible.
        finding: why it was refused, where a person can accept it.
        approved_by, kept_by: who answered, to load it or to keep what is held.
        asked: id of the question in Airflow that waits for an answer.
        parts: number of parts that it was downloaded in; None: in one piece.
        not_delivered: how many records NCBI listed but did not deliver in them.
    """

    run_id: str
    source: str
    mode: str
    fingerprint: str
    dag_id: str | None
    dag_run_id: str | None
    updated_since: date | None
    until: date | None
    request_url: str
    requested_at: datetime
    http_status: int | None
    ncbi_phid: str | None
    datasets_version: str | None
    bytes: int
    sha256: str
    state: str = VERIFIED
    is_census: bool = False
    stopped_by: tuple[str, ...] = ()
    finding: str | None = None
    approved_by: str | None = None
    kept_by: str | None = None
    asked: str | None = None
    parts: int | None = None
    not_delivered: int = 0

    @property
    def kind(self) -> str:
        """What a full package was requested for, in words."""
        return "census" if self.is_census else "full load"

    @property
    def is_answered(self) -> bool:
        """Whether a person has answered what to do with it."""
        return self.approved_by is not None or self.kept_by is not None

    @property
    def molecules(self) -> list[Molecule]:
        """The molecules whose sequences were requested."""
        return molecules_requested(self.request_url)

    def has_sequences(self, molecules: Collection[Molecule]) -> bool:
        """Whether the sequences of all of these were requested."""
        return set(self.molecules).issuperset(molecules)


@dataclass(frozen=True)
class CommittedLoad:
    """A load that was committed.

    Attributes:
        run: its row in the ledger.
        package: run id of the package that it loaded; None for an empty result and for a replay.
        limits: the limits of the source at that time.
        filter_changed, reports_changed, request: as in `Load`; None where an earlier version did not record them.
        entry: the source, when it was given as an entry; None when it was in the sources file.
    """

    run: Mapping[str, Any]
    package: str | None
    limits: LoadLimits
    filter_changed: bool | None = None
    reports_changed: bool | None = None
    request: Mapping[str, Any] | None = None
    entry: Mapping[str, Any] | None = None

    @property
    def committed_at(self) -> datetime:
        """When it was committed."""
        return datetime.fromisoformat(str(self.run["ended_at"]))


def committed_load(row: Mapping[str, Any], limits: LoadLimits, **request: Any) -> CommittedLoad:
    """The load recorded by a row of the ledger, with its request and entry where these are known."""
    path = row.get("package_path")
    return CommittedLoad(row, Path(str(path)).stem if path else None, limits, **request)


class Archive:
    """The packages and load records of one source."""

    def __init__(self, packages: Path, source: str) -> None:
        self.folder = packages / source
        self.loads_folder = self.folder / "loads"

    def path(self, run_id: str) -> Path:
        """Where the package of a run is stored."""
        return self.folder / f"{run_id}.zip"

    def file(self, run_id: str) -> Path:
        """The package of a run, to be opened.

        Raises:
            FileNotFoundError: when only a bucket had it, and has not any more.
            BucketUnavailable: when only a bucket has it, and cannot be read.
        """
        return filled(self.path(run_id))

    def keep(self, package: ArchivedPackage, file: Path) -> Path:
        """Move a verified package into the archive, then write its sidecar, which marks it as complete."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = file.replace(self.path(package.run_id))
        try:
            send(kept)
            self._write_sidecar(package)
        except OSError:
            kept.unlink()  # without a sidecar it only takes up disk space
            raise
        return kept

    def mark(self, run_ids: Collection[str], state: str) -> None:
        """Set the state in the sidecars of these packages, as far as they are in the archive.

        Args:
            run_ids: run ids of the packages.
            state: `ACCEPTED`, or another state.
        """
        for package in self.packages():
            if package.run_id in run_ids and package.state != state:
                self.change(package.run_id, state=state)

    def refuse(self, run_id: str, stopped_by: Iterable[str] = (), finding: str | None = None) -> None:
        """Record in the sidecar of a package that a load gate has refused it.

        Args:
            run_id: run id of the package.
            stopped_by: as in `ArchivedPackage`.
            finding: why it was refused, where a person can accept it.
        """
        answers = {"approved_by": None, "kept_by": None}
        self.change(run_id, state=REFUSED, stopped_by=tuple(stopped_by), finding=finding, **answers)

    def change(self, run_id: str, **changes: Any) -> None:
        """Change fields in the sidecar of a package, if it is in the archive.

        Args:
            run_id: run id of the package.
            changes: the new values, by field of `ArchivedPackage`.
        """
        package = self._read(refreshed(self._sidecar_path(run_id)))
        if package is not None:
            self._write_sidecar(replace(package, **changes))

    def redate(self, load: CommittedLoad) -> None:
        """Correct the recorded times of a load and of the package that it loaded.

        Args:
            load: the load with its corrected times.
        """
        self.record_load(load)
        package = None if load.package is None else self.package(load.package)
        if package is not None:
            requested_at = datetime.fromisoformat(str(load.run["requested_at"]))
            self._write_sidecar(replace(package, requested_at=requested_at))

    def is_whole(self, package: ArchivedPackage) -> bool:
        """Whether the file exists with the verified size; reading it checks the rest."""
        try:
            return self.path(package.run_id).stat().st_size == package.bytes
        except FileNotFoundError:
            return False

    def record_load(self, load: CommittedLoad) -> None:
        """Record a committed load."""
        self.loads_folder.mkdir(parents=True, exist_ok=True)
        write_json(self._load_path(str(load.run["run_id"])), {"format": FORMAT, **asdict(load)})

    def has_recorded(self, run_id: str) -> bool:
        """Whether the load of that run is recorded."""
        return self._load_path(run_id).exists()

    def loads(self) -> list[CommittedLoad]:
        """The committed loads, in commit order."""
        read = (self._read_load(path) for path in self.loads_folder.glob("*.json"))
        return sorted((load for load in read if load is not None), key=lambda load: load.committed_at)

    def _load_path(self, run_id: str) -> Path:
        return self.loads_folder / f"{run_id}.json"

    def _write_sidecar(self, package: ArchivedPackage) -> None:
        write_json(self._sidecar_path(package.run_id), {"format": FORMAT, **asdict(package)})

    def _sidecar_path(self, run_id: str) -> Path:
        return self.path(run_id).with_suffix(".json")

    def package(self, run_id: str) -> ArchivedPackage | None:
        """The package of a run; None when it is not in the archive."""
        return self._read(self._sidecar_path(run_id))

    def packages(self) -> Iterator[ArchivedPackage]:
        """The archived packages, newest request first."""
        held = [package for sidecar in self.folder.glob("*.json") if (package := self._read(sidecar)) is not None]
        yield from sorted(held, key=lambda package: package.requested_at, reverse=True)

    def tidy_up(self, is_running: Callable[[str], bool]) -> Removed:
        """Remove the files of dead runs.

        Args:
            is_running: as in `leftovers`.
        """
        return sum((remove(file) for file in self.leftovers(is_running)), Removed())

    def leftovers(self, is_running: Callable[[str], bool]) -> list[Path]:
        """The files of dead runs: zips without a sidecar are incomplete and never used.

        Args:
            is_running: whether a process is still working on that run, and may be about to finish its files.
        """
        orphans = [(file, file.stem) for file in self.folder.glob("*.zip") if not file.with_suffix(".json").exists()]
        unfinished = (*orphans, *unfinished_files(self.folder), *unfinished_files(self.loads_folder))
        return [file for file, run_id in unfinished if not is_running(run_id)]

    def prune(
        self, retention_days: int, now: datetime, starts: Collection[str], molecules: Collection[Molecule] = ()
    ) -> Removed:
        """Delete packages requested longer ago than `retention_days`, but never the newest full one or any after it.

        A rebuild starts at the newest full package, so it needs that one and all later ones. Where the source has
        sequences, it is the newest full package with those: a census has none.

        Args:
            retention_days: minimum age of a package to delete.
            now: the time to count from.
            starts: run ids of the full packages that can start a rebuild: those that a run has committed, and that
                were the newest then.
            molecules: the molecules whose sequences the source requests.
        """
        held = list(self.packages())
        newest_full = next(
            (
                package
                for package in held
                if package.mode == "full" and package.run_id in starts and package.has_sequences(molecules)
            ),
            None,
        )
        removed = Removed()
        if newest_full is None:
            return removed
        for package in held:
            is_old = package.requested_at < now - timedelta(days=retention_days)
            if is_old and package.requested_at < newest_full.requested_at:
                # The sidecar first: a zip without one is ignored, even if the process is killed here.
                removed += remove(self._sidecar_path(package.run_id))
                removed += remove(self.path(package.run_id))
                logger.info("deleted package %s of %s from the archive", package.run_id, package.requested_at)
        for load in self.loads():
            if load.package is None or not self.path(load.package).exists():
                is_old = load.committed_at < min(newest_full.requested_at, now - timedelta(days=retention_days))
                if is_old:
                    removed += remove(self._load_path(str(load.run["run_id"])))
        return removed

    @staticmethod
    def _read(sidecar: Path) -> ArchivedPackage | None:
        try:
            content = _known_to(ArchivedPackage, json.loads(sidecar.read_text(encoding="utf-8")))
            for name in ("updated_since", "until"):
                content[name] = date.fromisoformat(content[name]) if content.get(name) else None
            content["requested_at"] = datetime.fromisoformat(content["requested_at"])
            content["stopped_by"] = tuple(content.get("stopped_by", ()))
            return ArchivedPackage(**content)
        except FileNotFoundError:
            return None  # pruned meanwhile
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("%s is not a sidecar that this version can read (%s); ignoring its package", sidecar, error)
            return None

    @staticmethod
    def _read_load(path: Path) -> CommittedLoad | None:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            limits = replace(DEFAULT_LIMITS, **_known_to(LoadLimits, content["limits"]))
            load = CommittedLoad(**{**_known_to(CommittedLoad, content), "limits": limits})
            load.committed_at  # noqa: B018 (it must be readable)
            return load
        except FileNotFoundError:
            return None  # pruned meanwhile
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("%s is not a load record that this version can read (%s); ignoring it", path, error)
            return None


def _known_to(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `content` that this version knows."""
    known = {field.name for field in fields(kind)}
    return {name: value for name, value in content.items() if name in known}
