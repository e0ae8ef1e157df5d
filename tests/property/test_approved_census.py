"""A stopped census that is approved later leaves the warehouse as if it had been accepted at once.

Two warehouses follow the same NCBI through the same runs. In one, the census is accepted when it runs. In the other it
is stopped, other runs follow, and then its archived package is loaded.
"""

import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from tests.support.fake_ncbi import (
    BadLine,
    Change,
    FakeNcbi,
    LineBroken,
    ListedTwice,
    NoLongerShown,
    Redated,
    Released,
    ReportRepaired,
    Revised,
    ShownInPastState,
    VersionBumped,
    World,
)
from tests.support.followed import content
from tests.support.no_pandas import hide_pandas
from tests.support.seeds import session_seed
from tests.support.warehouses import made_data, query
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.approval import LOAD
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_mode import CENSUS
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.stopped_load import answer_stopped_load, stopped_load
from virus_warehouse.warehouse import load_gates
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.windows import WindowRequest

SEED, CASES, LONG_CASES = 44, 2, 1500
"""In `make test` there is one random history besides an empty one, which Hypothesis tries first, and which is left out.
In that of this seed, the census misses a record for the first time, and another one for the second time.
"""
ACCESSIONS = [f"PX{number}" for number in range(1, 7)]
FIRST_DAY = date(2025, 1, 1)
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(12)]
SOURCE = Source(
    name="mpox",
    request=VirusGenomeRequest(taxon="10244"),
    # Both warehouses are to request the same, though the watermark of only one has moved with the census.
    lookback_days=60,
    max_missing=0,
    max_emptied=1,
    reuse_hours=0,
)

picks = st.integers(0, 7)
contents = st.fixed_dictionaries({}, optional={"length": st.integers(1, 3), "isolate": st.sampled_from([None, "a"])})
bad_lines = st.sampled_from(
    [BadLine("{"), *(BadLine(f'{{"accession":"{name}.1","updateDate":"soon"}}', name) for name in ACCESSIONS)]
)
changes = st.lists(
    st.one_of(
        st.builds(Released, st.sampled_from(ACCESSIONS), st.sampled_from(DAYS), st.none()),
        st.builds(Revised, picks, contents, st.integers(0, 2)),
        st.builds(Redated, picks, st.integers(0, 2)),
        st.builds(VersionBumped, picks, st.integers(0, 2)),
        st.builds(NoLongerShown, picks),
        st.builds(NoLongerShown, picks),
        st.builds(ShownInPastState, picks, st.just(-1)),  # as it was when it was last shown
        st.builds(ListedTwice, picks, st.just(-1), contents, picks),
        st.builds(LineBroken, bad_lines, picks),
        st.builds(ReportRepaired),
    ),
    max_size=4,
)
windows = st.builds(
    lambda first, length: WindowRequest(None, first, first + timedelta(days=length) if length else None),
    st.sampled_from(DAYS),
    st.sampled_from([1, 3, None]),
)
runs_between = st.lists(st.tuples(changes, st.one_of(windows, windows, st.just(WindowRequest()))), max_size=4)

happened: Counter[str] = Counter()


class Twin:
    """One of the two warehouses."""

    def __init__(self, ncbi: FakeNcbi, folder: Path) -> None:
        self.ncbi, self.data = ncbi, made_data(folder)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.data.warehouse, lock_timeout=120)

    def run(self, window: WindowRequest | None = None, *, accepts: bool = True, **others: str) -> IngestResult:
        with DatasetsClient(self.ncbi.url, attempts=1) as client:
            return ingest(
                SOURCE,
                client=client,
                warehouse=self.warehouse,
                data=self.data,
                wish=window,
                accepts=Acceptance(missing=accepts),
                **others,
            )

    def approve(self) -> IngestResult:
        stopped = stopped_load(self.data, SOURCE)
        assert stopped is not None
        requests = len(self.ncbi.requests)
        answer_stopped_load(self.warehouse, self.data, SOURCE, stopped.run_id, LOAD, "ada")
        result = self.run(accepts=False, archived=stopped.run_id)
        assert len(self.ncbi.requests) == requests, "nothing is downloaded again"
        return result

    def state(self) -> dict[str, list[tuple[object, ...]]]:
        """What people see, but for times and runs."""
        return {
            "records": query(
                self.data.warehouse,
                "SELECT * EXCLUDE (valid_from, run_id, missing_since), missing_since IS NULL FROM virus_genome "
                "ORDER BY accession",
            ),
            "annotations": query(
                self.data.warehouse, "SELECT accession_version FROM virus_annotation ORDER BY accession"
            ),
            "watermark": query(self.data.warehouse, "SELECT max(watermark) FROM ops.ingest_run"),
        }


def check(
    ncbi: FakeNcbi,
    folder: Path,
    before: list[Change],
    earlier: list[Change],
    gone: list[Change],
    between: list[tuple[list[Change], WindowRequest]],
    after: list[Change],
    *,
    is_rebuilt: bool,
) -> None:
    happened["cases"] += 1
    ncbi.world = World()
    ncbi.world.annotates = True
    at_once, later = (Twin(ncbi, folder / f"{happened['cases']}-{name}") for name in ("at-once", "later"))
    twins = (at_once, later)

    def change(these: list[Change]) -> None:
        for one in these:
            one.happen(ncbi.world)

    change([*(Released(name, DAYS[number], None) for number, name in enumerate(ACCESSIONS[:4])), *before])
    for twin in twins:
        twin.run()
    change(earlier)
    census = WindowRequest(CENSUS)
    if not ncbi.world.records:
        return
    for twin in twins:
        twin.run(census)
    change([*gone, NoLongerShown(0)])
    if not ncbi.world.records:
        return
    at_once.run(census)
    try:
        later.run(census, accepts=False)
    except GateError:
        happened["stopped"] += 1
    else:
        return
    for these, window in between:
        change(these)
        for twin in twins:
            twin.run(window)
    happened["later packages"] += len(between)
    approved = later.approve()
    happened.update({name: count or 0 for name, count in approved.counts.items()})
    assert later.state() == at_once.state()
    if is_rebuilt:
        rebuilt = rebuild(later.data, from_oldest=True)
        assert (rebuilt.gaps, rebuilt.differences) == ([], [])
        assert content(rebuilt.path) == content(later.data.warehouse)
    change(after)
    if not ncbi.world.records:
        return
    for twin in twins:
        twin.run(census)
    assert later.state() == at_once.state(), "the next census counts on the approved one"


@pytest.fixture(autouse=True)
def _few_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is for so few records, too. Loads take one thread, and do not import pandas."""
    monkeypatch.setenv("VIRUS_THREADS", "1")
    monkeypatch.setattr(load_gates, "FEW_RECORDS", 1)
    hide_pandas(monkeypatch)
    happened.clear()


def run_cases(folder: Path, *, seed: int, cases: int) -> None:
    started = time.monotonic()
    with FakeNcbi() as ncbi:

        @hypothesis_seed(seed)
        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(before=changes, earlier=changes, gone=changes, between=runs_between, after=changes)
        def run(**history: list) -> None:
            if any(history.values()):
                check(ncbi, folder, **history, is_rebuilt=happened["stopped"] % 3 == 2)

        run()
    counts = ", ".join(f"{count} {name}" for name, count in sorted(happened.items()))
    print(f"seed {seed}: {time.monotonic() - started:.0f} s; {counts}")  # noqa: T201 (shown by pytest -rP)


def test_approved_census_equals_one_accepted_at_once_in_a_scripted_history(tmp_path: Path) -> None:
    """Each kind of record: found again, revised, released, dropped for the second time, and changed without a date."""
    with FakeNcbi() as ncbi:
        check(
            ncbi,
            tmp_path,
            before=[Released("PX5", DAYS[4], None), Released("PX6", DAYS[5], None)],
            earlier=[NoLongerShown(1), NoLongerShown(1)],
            gone=[Revised(1, {"length": 3}, 0), NoLongerShown(2), ShownInPastState(1, -1)],
            between=[
                ([ShownInPastState(0, -1), Revised(1, {"isolate": "a"}, 1)], WindowRequest(None, DAYS[5], None)),
                ([VersionBumped(2, 1)], WindowRequest(None, DAYS[0], DAYS[2])),
            ],
            after=[],
            is_rebuilt=True,
        )
    assert happened["stopped"] == 1
    assert all(happened[name] for name in ("missing", "withdrawn", "revised", "unchanged")), happened


def test_approved_census_equals_one_accepted_at_once(tmp_path: Path) -> None:
    run_cases(tmp_path, seed=SEED, cases=CASES)
    assert all(happened[name] for name in ("stopped", "missing", "withdrawn")), happened


@pytest.mark.long
@pytest.mark.timeout(0)
def test_approved_census_equals_one_accepted_at_once_in_many_histories(tmp_path: Path) -> None:
    run_cases(tmp_path, seed=session_seed(), cases=LONG_CASES)
