"""Data packages for measurements, created once and kept outside git: made-up records, or records of another package."""

import hashlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import count, islice
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

_ACCESSION = re.compile(rb'"accession":"\w+')
"""The accession of a line, up to its version. It is the first one."""


@dataclass(frozen=True)
class Recipe:
    """The contents of a package.

    Attributes:
        records: number of records that NCBI would show.
        changed: number of these, evenly spread, that have changed by the next day. The package has only these.
            None for all records, unchanged.
        has_all_reports: whether it also has the annotation and the BioSample report.
        source_package: a package from which evenly spread records are taken, or, for more records than it has, copies
            with other accessions; None for made-up records.
        taxa: maximum number of virus taxa of made-up records; None for few.
    """

    records: int
    changed: int | None = None
    has_all_reports: bool = False
    source_package: Path | None = None
    taxa: int | None = None

    @property
    def lines(self) -> int:
        """Number of lines of its data report."""
        return self.records if self.changed is None else self.changed

    @property
    def file_name(self) -> str:
        """Its file name in the cache."""
        changed = "" if self.changed is None else f"-{self.changed}-changed"
        reports = "-all-reports" if self.has_all_reports else ""
        source = "" if self.source_package is None else _identity(self.source_package)
        taxa = "" if self.taxa is None else f"-{self.taxa}-taxa"
        return f"{source}{self.records}{taxa}{changed}{reports}.zip"


class PackageCache:
    """A cache of packages, in a folder named after a hash of the code that creates them.

    Args:
        folder: the parent folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / f"packages-{_generator_digest()}"

    def path(self, recipe: Recipe) -> Path:
        """The path of the package, whether it exists or not."""
        return self.folder / recipe.file_name

    def make(self, recipes: set[Recipe], processes: int) -> None:
        """Create the missing packages, in up to `processes` processes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        missing = sorted((one for one in recipes if not self.path(one).exists()), key=lambda one: -one.records)
        if missing:
            with ProcessPoolExecutor(processes) as pool:
                list(pool.map(write_package, missing, map(self.path, missing)))


def write_package(recipe: Recipe, path: Path) -> None:
    """Write a package atomically."""

    def records() -> Iterator[Record]:
        everything = _records(recipe.records, recipe.taxa)
        records = everything if recipe.changed is None else _changed(everything, recipe.records // recipe.changed)
        return islice(records, recipe.changed)

    if recipe.source_package:
        files = iter([DataFile(DATA_REPORT, "DATA_REPORT", _sampled_lines(recipe, recipe.source_package))])
    else:
        files = report_files(records, list(AuxReport) if recipe.has_all_reports else [])
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        for chunk in Package(files, datetime.combine(TODAY, time(6))):
            file.write(chunk)
    part.replace(path)


def _records(count: int, taxa: int | None) -> Iterator[Record]:
    # Some of a world's records are unreleased or withdrawn, up to half of the busy ones at the start.
    world = World(SEED, count * 5 // 4 + BUSY_RECORDS, TODAY, taxa)
    return islice(world.records(TODAY), count)


def _changed(records: Iterator[Record], step: int) -> Iterator[Record]:
    """Every `step`-th record as of the next day, with the kinds of changes of the stand-in's `timeline`."""
    random = Random(SEED)  # noqa: S311 - nothing here is secret
    for record in islice(records, 0, None, step):
        kind = random.choices(("revised", "new version", "new date"), (55, 25, 20))[0]
        isolate = revised(record.isolate, random.getrandbits(16)) if kind == "revised" else record.isolate
        version = record.version + (kind == "new version")
        yield replace(record, isolate=replace(isolate, has_update_date=True), version=version, updated=TOMORROW)


def lines_in(package: Path) -> int:
    """The number of records of a package."""
    with DataPackage(package).open_report("data_report") as report:
        return sum(1 for _ in report)


def _sampled_lines(recipe: Recipe, package: Path) -> Iterator[bytes]:
    """Evenly spread lines of another package, or copies of them. Changed lines are revised, as of the next day."""
    sampled = islice(_copied_lines(package), 0, None, lines_in(package) // recipe.records or 1)
    if recipe.changed is None:
        yield from islice(sampled, recipe.records)
        return
    changed = islice(sampled, 0, None, recipe.records // recipe.changed)
    for line in islice(changed, recipe.changed):
        record = json.loads(line)
        record["updateDate"] = f"{TOMORROW}T00:00:00Z"
        record["isolate"] = {**record.get("isolate", {}), "source": f"revised: {record['accession']}"}
        yield json.dumps(record, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _copied_lines(package: Path) -> Iterator[bytes]:
    """The lines of a package again and again, each time with other accessions."""
    for copy in count():
        with DataPackage(package).open_report("data_report") as report:
            yield from report if copy == 0 else (_ACCESSION.sub(rb"\g<0>%02d" % copy, line, count=1) for line in report)


def _identity(package: Path) -> str:
    return f"{package.stem}-{package.stat().st_size}-"


def _generator_digest() -> str:
    include = Path(__file__).parents[1] / "include/ncbi_stand_in"
    digest = hashlib.sha256()
    for path in sorted([Path(__file__), *include.glob("*.py"), *include.glob("*.yaml")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
