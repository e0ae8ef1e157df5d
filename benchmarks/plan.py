"""The cases of a benchmark, each with its size."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.packages import Recipe

FLOORS = ("floor", "floor_with_isal", "floor_all_reports")
"""The floor: with Python's standard library; inflated with the library of the load; and for all reports."""

PEERS = {
    "script": "benchmarks.peers.script:load",
    "dlt_arrow": "benchmarks.peers.dlt_pipeline:load_arrow",
    "dlt_arrow_of_duckdb": "benchmarks.peers.dlt_pipeline:load_arrow_of_duckdb",
    "dlt_default": "benchmarks.peers.dlt_pipeline:load_default",
    "pandas": "benchmarks.peers.pandas_frame:load",
}
"""Other loaders. They need the packages of requirements-bench.txt."""

QUERY_PEERS = {
    "polars_parquet": "benchmarks.peers.polars_parquet:query",
    "pandas_parquet": "benchmarks.peers.pandas_parquet:query",
}
"""Other implementations of the case `queries`, where one flat file suffices. They need the same packages."""

QUICK_PEERS = {"small": ("dlt_default",), "medium": ("script", "dlt_arrow", "pandas")}
"""Peers of a quick benchmark, by size: those needed for ratios with a target. The slowest runs at the small size."""

RUNS = 3
"""Number of runs of each case."""


@dataclass(frozen=True)
class Sizes:
    """Number of records in the packages. Tests use small ones.

    Attributes:
        small: size for the slowest peers.
        delta_base: size of the smaller warehouse into which changes are merged.
        medium: size at which the load is compared with the floor.
        large: size of the largest load, and of the larger warehouse into which changes are merged.
        changed: number of changed records, in both.
    """

    small: int = 20_000
    delta_base: int = 100_000
    medium: int = 200_000
    large: int = 1_000_000
    changed: int = 10_000


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes:
        name: name of the function that is measured.
        recipe: its package.
        base: number of records in the initial warehouse; None for no warehouse.
    """

    name: str
    recipe: Recipe
    base: int | None = None

    @property
    def target(self) -> str:
        """The function, as module:name."""
        module = "benchmarks.floor" if self.name in FLOORS else "benchmarks.warehouse"
        return (PEERS | QUERY_PEERS).get(self.name, f"{module}:{self.name}")

    @property
    def is_peer(self) -> bool:
        """Whether it needs the packages of requirements-bench.txt."""
        return self.name in PEERS or self.name in QUERY_PEERS

    @property
    def expected_rows(self) -> int:
        """Number of records that must result."""
        return {"verify": 0}.get(self.name, self.recipe.lines)


def sizes_of_package(records: int) -> Sizes:
    """The sizes for a package: all of its records and a tenth of them, with changes of a hundredth."""
    tenth = records // 10
    return Sizes(small=tenth, delta_base=tenth, medium=records, large=records, changed=records // 100)


def plan_of_package(package: Path, sizes: Sizes, *, peers: bool = True) -> list[Case]:
    """The cases for a package, from which the same ratios are computed as for made-up ones.

    Args:
        package: the package.
        sizes: the result of `sizes_of_package`.
        peers: whether to measure peers.
    """
    whole, tenth = (Recipe(records, source_package=package) for records in (sizes.large, sizes.delta_base))
    changes = [Recipe(records, sizes.changed, source_package=package) for records in (sizes.delta_base, sizes.large)]
    everything_revised = Recipe(sizes.large, sizes.large, source_package=package)
    return [
        *(Case(name, whole, base) for name, base in (("load", 0), ("floor", None), ("floor_with_isal", None))),
        *(Case(name, whole, base=sizes.large) for name in ("unchanged", "census", "publish")),
        Case("revised", everything_revised, base=sizes.large),
        *(Case(peer, whole) for peer in QUICK_PEERS["medium"] if peers),
        Case("load", tenth, base=0),
        *(Case("delta", changed, base=changed.records) for changed in changes),
    ]


def plan(sizes: Sizes, *, full: bool, peers: bool = True) -> list[Case]:
    """The cases. A load creates the initial warehouse of later cases. Cases that are compared run close together.

    Args:
        sizes: sizes of the packages.
        full: whether to measure every peer at the small and the medium size.
        peers: whether to measure peers.
    """
    small, medium, large = Recipe(sizes.small), Recipe(sizes.medium), Recipe(sizes.large)
    delta_base, all_reports = Recipe(sizes.delta_base), Recipe(sizes.small, has_all_reports=True)
    small_peers, medium_peers = (PEERS if full else QUICK_PEERS[size] for size in ("small", "medium"))
    return [
        *(Case(name, small, base) for name, base in (("load", 0), ("floor", None))),
        *(Case(name, all_reports, base) for name, base in (("load_all_reports", 0), ("floor_all_reports", None))),
        *(Case(peer, small) for peer in small_peers if peers),
        Case("load", medium, base=0),
        *(Case(name, medium) for name in ("floor", "floor_with_isal", "verify")),
        *(Case(name, medium, base=medium.records) for name in ("unchanged", "census", "publish", "queries")),
        Case("revised", Recipe(sizes.medium, sizes.medium), base=sizes.medium),
        *(Case(peer, medium) for peer in medium_peers if peers),
        *(Case(name, large, base) for name, base in (("load", 0), ("floor", None))),
        *(Case(name, large, base=large.records) for name in ("publish", "queries")),
        *(Case(peer, large, base=large.records) for peer in QUERY_PEERS if peers),
        Case("load", delta_base, base=0),
        Case("delta", Recipe(sizes.delta_base, sizes.delta_base // 100), base=sizes.delta_base),
        Case("delta", Recipe(sizes.delta_base, sizes.changed), base=sizes.delta_base),
        Case("delta", Recipe(sizes.large, sizes.changed), base=sizes.large),
    ]
