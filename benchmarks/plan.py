"""What is measured: the cases of a benchmark, each at its size."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.packages import Recipe

FLOORS = ("floor", "floor_with_isal", "floor_all_reports")
"""What any load must do: with what Python has; inflated as the load does it; and of all reports."""

PEERS = {
    "script": "benchmarks.peers.script:load",
    "dlt_arrow": "benchmarks.peers.dlt_pipeline:load_arrow",
    "dlt_arrow_of_duckdb": "benchmarks.peers.dlt_pipeline:load_arrow_of_duckdb",
    "dlt_default": "benchmarks.peers.dlt_pipeline:load_default",
    "pandas": "benchmarks.peers.pandas_frame:load",
}
"""Cases that need the packages of requirements-bench.txt."""

QUERY_PEERS = {
    "polars_parquet": "benchmarks.peers.polars_parquet:query",
    "pandas_parquet": "benchmarks.peers.pandas_parquet:query",
}
"""Other implementations of the case `queries`, as far as one flat file allows. They need those packages too."""

QUICK_PEERS = {"small": ("dlt_default",), "medium": ("script", "dlt_arrow", "pandas")}
"""Peers that a quick benchmark measures, by size: each of the promised ratios has one, and the slowest is small."""

RUNS = 3
"""Runs of each case."""


@dataclass(frozen=True)
class Sizes:
    """Records of the packages. A test has small ones.

    Attributes:
        small: what the slowest peers are measured with.
        delta_base: the smaller warehouse that changes are merged into.
        medium: what the load is held against the floor with.
        large: the largest load, and the larger warehouse that changes are merged into.
        changed: changed records, in either.
    """

    small: int = 20_000
    delta_base: int = 100_000
    medium: int = 200_000
    large: int = 1_000_000
    changed: int = 10_000


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        name: what is done.
        recipe: the package it is done with.
        base: records in the warehouse it starts from; None for no warehouse at all.
    """

    name: str
    recipe: Recipe
    base: int | None = None

    @property
    def target(self) -> str:
        """The function that does it."""
        module = "benchmarks.floor" if self.name in FLOORS else "benchmarks.warehouse"
        return (PEERS | QUERY_PEERS).get(self.name, f"{module}:{self.name}")

    @property
    def is_peer(self) -> bool:
        """Whether it runs where the packages of requirements-bench.txt are."""
        return self.name in PEERS or self.name in QUERY_PEERS

    @property
    def expected_rows(self) -> int:
        """Records that must come out."""
        return {"verify": 0}.get(self.name, self.recipe.lines)


def sizes_of_package(records: int) -> Sizes:
    """The sizes of a given package: all of it, and a tenth, into either of which a hundredth is merged."""
    tenth = records // 10
    return Sizes(small=tenth, delta_base=tenth, medium=records, large=records, changed=records // 100)


def plan_of_package(package: Path, sizes: Sizes, *, peers: bool = True) -> list[Case]:
    """The cases of a given package, whose ratios are those of the made-up ones.

    Args:
        package: the package.
        sizes: of its records, of `sizes_of_package`.
        peers: whether the peers are measured at all.
    """
    whole, tenth = (Recipe(records, given=package) for records in (sizes.large, sizes.delta_base))
    changes = [Recipe(records, sizes.changed, given=package) for records in (sizes.delta_base, sizes.large)]
    everything_revised = Recipe(sizes.large, sizes.large, given=package)
    return [
        *(Case(name, whole, base) for name, base in (("load", 0), ("floor", None), ("floor_with_isal", None))),
        *(Case(name, whole, base=sizes.large) for name in ("unchanged", "census", "publish")),
        Case("revised", everything_revised, base=sizes.large),
        *(Case(peer, whole) for peer in QUICK_PEERS["medium"] if peers),
        Case("load", tenth, base=0),
        *(Case("delta", changed, base=changed.records) for changed in changes),
    ]


def plan(sizes: Sizes, *, full: bool, peers: bool = True) -> list[Case]:
    """The cases. A load leaves the warehouse that later ones start from, and what is compared is run close together.

    Args:
        sizes: of the packages.
        full: every peer at the small and at the medium size.
        peers: whether the peers are measured at all.
    """
    small, medium, large = Recipe(sizes.small), Recipe(sizes.medium), Recipe(sizes.large)
    delta_base, all_reports = Recipe(sizes.delta_base), Recipe(sizes.small, has_all_reports=True)
    of_small, of_medium = (PEERS if full else QUICK_PEERS[size] for size in ("small", "medium"))
    return [
        *(Case(name, small, base) for name, base in (("load", 0), ("floor", None))),
        *(Case(name, all_reports, base) for name, base in (("load_all_reports", 0), ("floor_all_reports", None))),
        *(Case(peer, small) for peer in of_small if peers),
        Case("load", medium, base=0),
        *(Case(name, medium) for name in ("floor", "floor_with_isal", "verify")),
        *(Case(name, medium, base=medium.records) for name in ("unchanged", "census", "publish", "queries")),
        Case("revised", Recipe(sizes.medium, sizes.medium), base=sizes.medium),
        *(Case(peer, medium) for peer in of_medium if peers),
        *(Case(name, large, base) for name, base in (("load", 0), ("floor", None))),
        *(Case(name, large, base=large.records) for name in ("publish", "queries")),
        *(Case(peer, large, base=large.records) for peer in QUERY_PEERS if peers),
        Case("load", delta_base, base=0),
        Case("delta", Recipe(sizes.delta_base, sizes.delta_base // 100), base=sizes.delta_base),
        Case("delta", Recipe(sizes.delta_base, sizes.changed), base=sizes.delta_base),
        Case("delta", Recipe(sizes.large, sizes.changed), base=sizes.large),
    ]
