"""The archive of verified packages, `data/packages/<source>/<run>.zip`, each with a sidecar that says what it is.

Beside them, in `loads/`, lies a record of every load that was committed: a package may have served several, or none.
Packages and load records together are enough to make the warehouse anew.

Both are read whichever version wrote them: what this one does not know is left out, and what it misses has a default.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from virus_warehouse.atomic_file import unfinished_files, write_json
from virus_warehouse.sources import DEFAULT_LIMITS, LoadLimits

logger = logging.getLogger(__name__)

FORMAT = 1
"""Of sidecars and load records. A later one may leave out or rename what this version reads."""

VERIFIED, ACCEPTED, REFUSED = "verified", "accepted", "refused"
"""What a package is: proven whole; loaded and committed by a run; or found by a gate to be nothing to load."""


@dataclass(frozen=True)
class ArchivedPackage:
    """A package and what is known of it: enough to load it again, now or in a rebuild.

    Attributes:
        state: `VERIFIED`, `ACCEPTED` or `REFUSED`.
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


@dataclass(frozen=True)
class CommittedLoad:
    """A load that was committed.

    Attributes:
        run: its row in the ledger.
        package: run id of the package that it loaded; None when NCBI said that nothing matches, and in a replay.
        limits: what the source allowed it.
        filter_changed, reports_changed, request: as in `Load`; None where an earlier version has not written them down.
    """

    run: Mapping[str, Any]
    package: str | None
    limits: LoadLimits
    filter_changed: bool | None = None
    reports_changed: bool | None = None
    request: Mapping[str, Any] | None = None

    @property
    def committed_at(self) -> datetime:
        """When it was committed."""
        return datetime.fromisoformat(str(self.run["ended_at"]))


def committed_load(row: Mapping[str, Any], limits: LoadLimits, **asked: Any) -> CommittedLoad:
    """The load that a row of the ledger tells of, with what was asked for, if that is known."""
    path = row.get("package_path")
    return CommittedLoad(row, Path(str(path)).stem if path else None, limits, **asked)


class Archive:
    """The packages and load records of one source."""

    def __init__(self, packages: Path, source: str) -> None:
        self.folder = packages / source
        self.loads_folder = self.folder / "loads"

    def path(self, run_id: str) -> Path:
        """Where the package of a run lies, or would."""
        return self.folder / f"{run_id}.zip"

    def keep(self, package: ArchivedPackage, file: Path) -> Path:
        """Move a verified package into the archive, then write its sidecar: a sidecar means a whole package."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = file.replace(self.path(package.run_id))
        try:
            self._write_sidecar(package)
        except OSError:
            kept.unlink()  # without a sidecar it is no package, and takes space that may be short
            raise
        return kept

    def mark(self, run_ids: Collection[str], state: str) -> None:
        """Write into the sidecars of these packages, as far as they are held, what has become of them.

        Args:
            run_ids: of the packages.
            state: `ACCEPTED` or `REFUSED`.
        """
        for package in self.packages():
            if package.run_id in run_ids and package.state != state:
                self._write_sidecar(replace(package, state=state))

    def redate(self, load: CommittedLoad) -> None:
        """Give a load, and the package that it loaded, other times than are written down of them.

        Args:
            load: with its new times.
        """
        self.record_load(load)
        package = None if load.package is None else self._read(self.path(load.package).with_suffix(".json"))
        if package is not None:
            requested_at = datetime.fromisoformat(str(load.run["requested_at"]))
            self._write_sidecar(replace(package, requested_at=requested_at))

    def is_whole(self, package: ArchivedPackage) -> bool:
        """Whether the file is there as it was verified, as far as its size tells; reading it checks the rest."""
        try:
            return self.path(package.run_id).stat().st_size == package.bytes
        except FileNotFoundError:
            return False

    def record_load(self, load: CommittedLoad) -> None:
        """Write down that a load was committed."""
        self.loads_folder.mkdir(parents=True, exist_ok=True)
        write_json(self._load_path(str(load.run["run_id"])), {"format": FORMAT, **asdict(load)})

    def has_recorded(self, run_id: str) -> bool:
        """Whether the load of that run is written down."""
        return self._load_path(run_id).exists()

    def loads(self) -> list[CommittedLoad]:
        """The loads that were committed, in the order of their commits."""
        read = (self._read_load(path) for path in self.loads_folder.glob("*.json"))
        return sorted((load for load in read if load is not None), key=lambda load: load.committed_at)

    def _load_path(self, run_id: str) -> Path:
        return self.loads_folder / f"{run_id}.json"

    def _write_sidecar(self, package: ArchivedPackage) -> None:
        write_json(self.path(package.run_id).with_suffix(".json"), {"format": FORMAT, **asdict(package)})

    def packages(self) -> Iterator[ArchivedPackage]:
        """The packages held, newest request first."""
        held = [package for sidecar in self.folder.glob("*.json") if (package := self._read(sidecar)) is not None]
        yield from sorted(held, key=lambda package: package.requested_at, reverse=True)

    def tidy_up(self, is_running: Callable[[str], bool]) -> None:
        """Remove what runs left that died here: zips without a sidecar are no packages, and nobody would find them.

        Args:
            is_running: whether some process works on the run of that id, and may be about to finish its files.
        """
        orphans = [(file, file.stem) for file in self.folder.glob("*.zip") if not file.with_suffix(".json").exists()]
        for file, run_id in (*orphans, *unfinished_files(self.folder), *unfinished_files(self.loads_folder)):
            if not is_running(run_id):
                file.unlink(missing_ok=True)

    def prune(self, retention_days: int, now: datetime, loaded: Collection[str]) -> None:
        """Delete packages requested longer ago than `retention_days`, but never the newest full one or any after it.

        A rebuild starts at the newest full package, so that one and all that follow it are needed.

        Args:
            retention_days: age from which a package may go.
            now: the time to count from.
            loaded: run ids of the packages that a run has committed: one that was refused starts no rebuild.
        """
        held = list(self.packages())
        newest_full = next((package for package in held if package.mode == "full" and package.run_id in loaded), None)
        if newest_full is None:
            return
        for package in held:
            is_old = package.requested_at < now - timedelta(days=retention_days)
            if is_old and package.requested_at < newest_full.requested_at:
                # The sidecar first: without it the zip is not a package any more, whatever happens next.
                self.path(package.run_id).with_suffix(".json").unlink(missing_ok=True)
                self.path(package.run_id).unlink(missing_ok=True)
                logger.info("deleted package %s of %s from the archive", package.run_id, package.requested_at)
        for load in self.loads():
            if load.package is None or not self.path(load.package).exists():
                is_old = load.committed_at < min(newest_full.requested_at, now - timedelta(days=retention_days))
                if is_old:
                    self._load_path(str(load.run["run_id"])).unlink(missing_ok=True)

    @staticmethod
    def _read(sidecar: Path) -> ArchivedPackage | None:
        try:
            content = _known_to(ArchivedPackage, json.loads(sidecar.read_text(encoding="utf-8")))
            for name in ("updated_since", "until"):
                content[name] = date.fromisoformat(content[name]) if content.get(name) else None
            content["requested_at"] = datetime.fromisoformat(content["requested_at"])
            return ArchivedPackage(**content)
        except FileNotFoundError:
            return None  # pruned meanwhile
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("%s is no sidecar that this version reads (%s); its package is left alone", sidecar, error)
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
            logger.warning("%s is no load record that this version reads (%s); it is left alone", path, error)
            return None


def _known_to(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """What this version knows of what some version has written."""
    known = {field.name for field in fields(kind)}
    return {name: value for name, value in content.items() if name in known}
