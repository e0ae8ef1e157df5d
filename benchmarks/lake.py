"""`make bench-lake`: loads into a file and into a lake with its files in a local folder, and migrations between them.

The catalog's database is given as `CATALOG=postgresql://user:password@host/database`; each lake has a schema of its
own, which stays there. Rounds alternate between the two, each load is in a process of its own, and medians are printed.
"""

import multiprocessing
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.packages import TODAY, TOMORROW, PackageCache, Recipe
from benchmarks.run import bench_folder
from benchmarks.warehouse import SOURCE, LocalPackageClient
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.transfer import transfer
from virus_warehouse.warehouse.connection import warehouse_at
from virus_warehouse.warehouse.lake_address import LakeAddress, lake_address

RECORDS, CHANGED, ROUNDS = 200_000, 2_000, 3


def main(catalog: str, records: int = RECORDS, changed: int = CHANGED) -> None:
    """Load into both, print seconds and their ratios."""
    packages = PackageCache(bench_folder())
    first, delta = Recipe(records), Recipe(records, changed)
    packages.make({first, delta}, processes=2)
    seconds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for kind in ("file", "lake"):
            with tempfile.TemporaryDirectory(prefix="bench-lake-") as folder:
                file, lake, root = Path(folder) / "warehouse.duckdb", new_lake(catalog, folder), Path(folder) / "data"
                place, other = (lake, file) if kind == "lake" else (file, lake)
                for name, recipe, day in (("load", first, TODAY), ("delta", delta, TOMORROW)):
                    taken = _in_a_process(run_once, root, place, packages.path(recipe), day)
                    seconds.setdefault(f"{name} {kind}", []).append(taken)
                taken = _in_a_process(migrate_once, root, place, other)
                seconds.setdefault(f"migrate {kind}", []).append(taken)
    table = Table(
        "Seconds", "file", "lake", "lake over file", title=f"{records:,} records, {changed:,} of them changed"
    )
    for name in ("load", "delta", "migrate"):
        in_file, in_lake = (statistics.median(seconds[f"{name} {kind}"]) for kind in ("file", "lake"))
        table.add_row(name, f"{in_file:.2f}", f"{in_lake:.2f}", f"{in_lake / in_file:.2f}")
    Console().print(table)
    Console().print("migrate: from the one to the other, with all that was loaded, compared row for row")


def run_once(root: Path, place: Path | LakeAddress, package: Path, day: date) -> float:
    """Seconds of a run with a local package, from its beginning until its tables are closed."""
    data, warehouse = DataFolder(root), warehouse_at(place)
    data.create()
    if not warehouse.storage.exists():
        warehouse.storage.upgrade()  # once per release, not with every load
    with LocalPackageClient(package, datetime.combine(day, time_of_day(12), tzinfo=UTC)) as client:
        started = time.monotonic()
        ingest(SOURCE, client=client, warehouse=warehouse, data=data)
        return time.monotonic() - started


def migrate_once(root: Path, source: Path | LakeAddress, target: Path | LakeAddress) -> float:
    """Seconds of a migration to a new place."""
    started = time.monotonic()
    transfer(warehouse_at(source), warehouse_at(target), DataFolder(root))
    return time.monotonic() - started


def _in_a_process(measured: Callable[..., float], *arguments: object) -> float:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, *arguments).result()


def new_lake(catalog: str, folder: str) -> LakeAddress:
    """The address of a lake that does not exist yet, with its files in the folder."""
    return lake_address(
        f"ducklake:{catalog}?data_path={folder}/lake&schema=bench_{secrets.token_hex(4)}", "the argument CATALOG"
    )


if __name__ == "__main__":
    main(sys.argv[1])
