"""Data packages to measure with, made once and kept outside git: made-up records, or those of a given package."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from ncbi_stand_in.data_files import report_files
from ncbi_stand_in.isolates import revised
from ncbi_stand_in.package import DATA_REPORT, DataFile, Package
from ncbi_stand_in.query import AuxReport
from ncbi_stand_in.records import BUSY_RECORDS, Record, World
from virus_warehouse.ncbi.package import DataPackage

TODAY = date(2026, 11, 20)
TOMORROW = TODAY + timedelta(days=1)
SEED = 1


@dataclass(frozen=True)
class Recipe:
    """What a package holds.

    Attributes:
        records: all records that NCBI would show.
        changed: how many of these, evenly spread, have changed by the next day; the package holds them alone.
            None for all records as they are.
        has_all_reports: whether it has the annotation and the BioSample report, too.
        given: a package, of whose records these are, evenly spread; None for made-up ones.
        taxa: of made-up records, at most so many virus taxa; None for few.
    """

    records: int
    changed: int | None = None
    has_all_reports: bool = False
    given: Path | None = None
    taxa: int | None = None

    @property
    def lines(self) -> int:
        """Lines of its data report."""
        return self.records if self.changed is None else self.changed

    @property
    def file_name(self) -> str:
        """Its name in the cache."""
        changed = "" if self.changed is None else f"-{self.changed}-changed"
        reports = "-all-reports" if self.has_all_reports else ""
        given = "" if self.given is None else f"{self.given.stem}-{self.given.stat().st_size}-"
        taxa = "" if self.taxa is None else f"-{self.taxa}-taxa"
        return f"{given}{self.records}{taxa}{changed}{reports}.zip"


class PackageCache:
    """The packages made so far, in a folder named for the code that made them.

    Args:
        folder: where that folder is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / f"packages-{_generator_digest()}"

    def path(self, recipe: Recipe) -> Path:
        """Where the package is, or would be."""
        return self.folder / recipe.file_name

    def make(self, recipes: set[Recipe], processes: int) -> None:
        """Make those that are missing, so many at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        missing = sorted((one for one in recipes if not self.path(one).exists()), key=lambda one: -one.records)
        if missing:
            with ProcessPoolExecutor(processes) as pool:
                list(pool.map(write_package, missing, map(self.path, missing)))


def write_package(recipe: Recipe, path: Path) -> None:
    """Write a package; it is there whole or not at all."""

    def records() -> Iterator[Record]:
        everything = _records(recipe.records, recipe.taxa)
        records = everything if recipe.changed is None else _changed(everything, recipe.records // recipe.changed)
        return islice(records, recipe.changed)

    if recipe.given:
        files = iter([DataFile(DATA_REPORT, "DATA_REPORT", _given_lines(recipe, recipe.given))])
    else:
        files = report_files(records, list(AuxReport) if recipe.has_all_reports else [])
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        for chunk in Package(files, datetime.combine(TODAY, time(6))):
            file.write(chunk)
    part.replace(path)


def _records(count: int, taxa: int | None) -> Iterator[Record]:
    # Some of a world's records are not released yet, or withdrawn: of the lively first ones, up to a half.
    world = World(SEED, count * 5 // 4 + BUSY_RECORDS, TODAY, taxa)
    return islice(world.records(TODAY), count)


def _changed(records: Iterator[Record], step: int) -> Iterator[Record]:
    """Every so many-th record as it is a day later, changed as the stand-in's own records do: see its `life`."""
    random = Random(SEED)  # noqa: S311 - nothing here is secret
    for record in islice(records, 0, None, step):
        kind = random.choices(("revised", "new version", "new date"), (55, 25, 20))[0]
        isolate = revised(record.isolate, random.getrandbits(16)) if kind == "revised" else record.isolate
        version = record.version + (kind == "new version")
        yield replace(record, isolate=replace(isolate, has_update_date=True), version=version, updated=TOMORROW)


def lines_in(package: Path) -> int:
    """How many records a package has."""
    with DataPackage(package).open_report("data_report") as report:
        return sum(1 for _ in report)


def _given_lines(recipe: Recipe, package: Path) -> Iterator[bytes]:
    """Lines of a given package, evenly spread; changed ones are revised, as of the next day."""
    with DataPackage(package).open_report("data_report") as report:
        some = islice(report, 0, None, lines_in(package) // recipe.records)
        if recipe.changed is None:
            yield from islice(some, recipe.records)
            return
        changed = islice(some, 0, None, recipe.records // recipe.changed)
        for line in islice(changed, recipe.changed):
            record = json.loads(line)
            record["updateDate"] = f"{TOMORROW}T00:00:00Z"
            record["isolate"] = {**record.get("isolate", {}), "source": f"revised: {record['accession']}"}
            yield json.dumps(record, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _generator_digest() -> str:
    include = Path(__file__).parents[1] / "include/ncbi_stand_in"
    digest = hashlib.sha256()
    for path in sorted([Path(__file__), *include.glob("*.py"), *include.glob("*.yaml")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
