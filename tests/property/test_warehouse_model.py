"""Any sequence of packages, however late, repeated, broken or out of order, leaves the warehouse as in the model.

Hypothesis chooses changes at NCBI and runs; the real `ingest` works on a real file over real HTTP. After every run the
warehouse is compared with `model.Model`. A failure is shown as the shortest history that leads to it.

`make test` runs one history that contains everything, and a few random ones that are the same every time.
`make test-long` runs thousands of longer ones with the session's seed.
"""

import copy
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.property.model import (
    CENSUS,
    FEW,
    FULL,
    INCREMENTAL,
    LOOKBACK,
    MAX_MISSING,
    REPLAY,
    WINDOW,
    WITHDRAW_AFTER,
    FollowedSource,
    MassLoss,
    Model,
    Package,
    Run,
    RunRequest,
    State,
)
from tests.support.crashing_warehouse import Crash, CrashingWarehouse
from tests.support.fake_ncbi import (
    AHEAD,
    CUT,
    EVERY_HOST,
    HUMAN_HOST,
    LACKING,
    OTHER_LETTERS,
    STRAY,
    TWICE,
    TWO_OF_A_NAME,
    UNAVAILABLE,
    BadLine,
    Change,
    DatedInTheFuture,
    FakeNcbi,
    FamilyRenamed,
    GenomeOff,
    GenomesRepaired,
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
    damaged,
)
from tests.support.followed import comparable, content
from tests.support.lakes import attach_lake, migrated_lake
from tests.support.no_pandas import hide_pandas
from tests.support.seeds import session_seed
from tests.support.tiers import some_of
from tests.support.warehouses import copy_new_files, made_data, opened
from virus_warehouse.compaction import compact
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.package_source import EmptyFullLoad
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.publish.prepare import new_publication_id, prepare_candidate
from virus_warehouse.publish.publication import publish_candidate
from virus_warehouse.rebuild import rebuild
from virus_warehouse.sequences import store
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.warehouse import load_gates, shares
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import SESSION_SETTINGS, LakeStorage
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.run_record import OUTCOMES
from virus_warehouse.windows import WindowRequest

CASES, STEPS = 2, 4
LONG_CASES, LONG_STEPS = 600, 8
"""For each part of the test: the number of histories, and the maximum number of steps of each."""
REBUILT_CASES = 3
"""One in this many cases is rebuilt from its archive at the end, which takes as long as all of its runs."""
PARTS = 4
"""Parts of the test, each with a seed of its own: half are here, the others in `test_warehouse_model_further.py`."""

ACCESSIONS = [f"PX{number}" for number in range(1, 6)]
FIRST_DAY = date(2025, 1, 1)
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(12)]
REQUESTS = {
    (filters, asks): VirusGenomeRequest(taxon="10244", host=host, include_sequence=("GENOME",) if asks else ())
    for filters, host in ((EVERY_HOST, None), (HUMAN_HOST, "human"))
    for asks in (False, True)
}
"""By the filters, and by whether genomes are asked for."""
FOLLOWED, NEIGHBOUR = "mpox", "mpox_neighbour"

NONE, DOWN, DAMAGED, BEFORE_COMMIT = "no trouble", "NCBI is down", "a damaged package", "a crash before the commit"

BREAKS = {DOWN: UNAVAILABLE, DAMAGED: damaged()}

days = st.sampled_from(DAYS)
days_later = st.integers(-2, 3)
hosts = st.sampled_from(["human", "human", "human", None])
picks = st.integers(0, 7)
contents = st.fixed_dictionaries(
    {}, optional={"length": st.integers(1, 3), "isolate": st.sampled_from([None, "a", "b"]), "host": hosts}
)
bad_lines = st.sampled_from(
    [BadLine("{"), *(BadLine(f'{{"accession":"{name}.1","updateDate":"soon"}}', name) for name in ACCESSIONS)]
)
releases = st.builds(Released, st.sampled_from(ACCESSIONS), days, hosts)
genomes_off = st.sampled_from([LACKING, CUT, TWICE, TWO_OF_A_NAME, AHEAD, OTHER_LETTERS, STRAY])
changes = st.lists(
    st.one_of(
        releases,
        st.builds(Revised, picks, contents, days_later),
        st.builds(Redated, picks, days_later),
        st.builds(VersionBumped, picks, days_later),
        st.builds(DatedInTheFuture, picks),
        st.builds(ShownInPastState, picks, picks),
        st.builds(NoLongerShown, picks),
        st.builds(ListedTwice, picks, picks, contents, picks),
        st.builds(LineBroken, bad_lines, picks),
        st.builds(ReportRepaired),
        st.builds(FamilyRenamed, st.sampled_from(["Poxviridae", "Orthopoxviridae"])),
        st.builds(GenomeOff, picks, genomes_off),
        st.builds(GenomesRepaired),
    ),
    min_size=1,
    max_size=5,
)
troubles = st.sampled_from([NONE] * 6 + [BEFORE_COMMIT] * 2 + [DOWN, DAMAGED])

A_WINDOW = RunRequest(WINDOW, FIRST_DAY, FIRST_DAY + timedelta(days=3))
windows = st.builds(
    lambda first, length: RunRequest(WINDOW, first, first + timedelta(days=length) if length else None),
    days,
    st.sampled_from([1, 3, 6, None]),
)
window_requests = st.one_of(
    windows,
    windows,
    st.just(RunRequest()),
    st.just(RunRequest()),
    st.just(RunRequest(FULL)),
    st.just(RunRequest(CENSUS)),
    st.just(RunRequest(CENSUS)),
)

happened: Counter[str] = Counter()
"""Counts of events in all cases: shows that the histories cover what they are for."""


@dataclass(frozen=True)
class DagRun:
    """A run with Airflow's name, which it keeps when retried or cleared. Without a name: a run without Airflow."""

    name: str | None
    window_request: RunRequest
    reuses: bool = True
    source: str = FOLLOWED
    accepts_missing: bool = False


@dataclass(frozen=True)
class Twin:
    """Where a history on a lake is played on a file as well, with an NCBI and a data folder of its own."""

    ncbi: FakeNcbi
    data: DataFolder


class RandomHistory(RuleBasedStateMachine):
    """NCBI changes, runs happen, and the warehouse is compared with the model."""

    def __init__(
        self,
        ncbi: FakeNcbi,
        reader: DuckDBPyConnection,
        folder: Path,
        lake: LakeAddress | None = None,
        twin: Twin | None = None,
    ) -> None:
        super().__init__()
        self.ncbi = ncbi
        self.reader = reader
        self.world = ncbi.world = World()
        self.world.annotates = True
        self.folder = folder
        self.data = made_data(folder)
        self.lake = lake
        self.twin = twin
        self.model = Model({FOLLOWED: FollowedSource(asks=True), NEIGHBOUR: FollowedSource()})
        self.published: list[tuple[str, str, str]] | None = None
        """The sequences in the published snapshot."""
        self.filters = EVERY_HOST
        self.requests = 0
        self.requested_at: dict[int, datetime] = {}
        self.runs = 0
        self.dag_runs: list[DagRun] = []
        self.is_valid = True
        happened["cases"] += 1

    @initialize(releases=st.lists(releases, min_size=3, max_size=8), neighbour_asks=st.booleans())
    def first_load(self, releases: list[Change], neighbour_asks: bool) -> None:
        self.model.sources[NEIGHBOUR].asks = neighbour_asks
        self.start(releases, RunRequest())

    @rule(changes=changes, trouble=troubles)
    def scheduled_run(self, changes: list[Change], trouble: str) -> None:
        self.start(changes, RunRequest(), trouble=trouble)

    @rule(changes=changes, window_request=window_requests, reuses=st.booleans(), trouble=troubles)
    def run_on_demand(self, changes: list[Change], window_request: RunRequest, reuses: bool, trouble: str) -> None:
        self.start(changes, window_request, reuses=reuses, trouble=trouble)

    @rule(changes=changes, pick=picks, trouble=troubles)
    def run_tried_again_or_cleared(self, changes: list[Change], pick: int, trouble: str) -> None:
        candidates = self.failed or self.dag_runs
        self.run(changes, candidates[pick % len(candidates)], trouble)

    @rule(
        changes=changes,
        overtaken=window_requests,
        changes_since=changes,
        overtaking=window_requests,
        has_other_filters=st.sampled_from([False, False, True]),
    )
    def run_crashes_and_is_overtaken(
        self,
        changes: list[Change],
        overtaken: RunRequest,
        changes_since: list[Change],
        overtaking: RunRequest,
        has_other_filters: bool,
    ) -> None:
        first = self.start(changes, overtaken, trouble=BEFORE_COMMIT)
        if has_other_filters:
            self.change_filters()
        self.start(changes_since, overtaking)
        if has_other_filters:
            self.change_filters()
        self.run([], first)

    @rule(changes=changes, window_request=window_requests, trouble=troubles)
    def filters_changed(self, changes: list[Change], window_request: RunRequest, trouble: str) -> None:
        self.change_filters()
        self.start(changes, window_request, trouble=trouble)

    @rule(
        changes=changes,
        gone=picks,
        more_changes=changes,
        accepts_missing=st.booleans(),
        has_run_between=st.sampled_from([False, False, True]),
    )
    def censuses_in_a_row(
        self, changes: list[Change], gone: int, more_changes: list[Change], accepts_missing: bool, has_run_between: bool
    ) -> None:
        self.start([*changes, NoLongerShown(gone)], RunRequest(CENSUS), accepts_missing=accepts_missing)
        if has_run_between:
            self.start(more_changes, RunRequest())
            more_changes = []
        self.start(more_changes, RunRequest(CENSUS))

    @rule()
    def refused_lines_read_again(self) -> None:
        self.replay()

    @rule()
    def store_compacted(self) -> None:
        self.is_valid = False
        compacted = compact(self.warehouse(), self.data, fewest_parts=2)
        happened["compactions"] += compacted.parts > 0
        with self.reading():
            assert self.parts_on_disk >= self.parts_named()
            if compacted.parts:
                assert self.parts_on_disk == self.parts_named()
            self.compare_genomes()
        self.is_valid = True

    @rule()
    def snapshot_published(self) -> None:
        """Without the gates, which hold back a source that has lost much."""
        self.is_valid = False
        if any(source.newest_request for source in self.model.sources.values()):
            self.compare_published()
            publication_id = new_publication_id()
            prepare_candidate(self.warehouse(), self.data, publication_id, SourcesFile(Path("sources.yaml"), {}))
            publish_candidate(self.data, publication_id)
            self.published = self.expected_genomes()
            self.compare_published()
            happened["publications"] += 1
        self.is_valid = True

    @rule(changes=changes)
    def run_without_airflow(self, changes: list[Change]) -> None:
        self.run(changes, DagRun(None, RunRequest()))

    @rule(changes=changes)
    def neighbour_run(self, changes: list[Change]) -> None:
        self.run(changes, DagRun(None, RunRequest(), source=NEIGHBOUR))

    @property
    def failed(self) -> list[DagRun]:
        committed = self.model.sources[FOLLOWED].committed_dag_runs
        return [dag_run for dag_run in self.dag_runs if dag_run.name not in committed]

    def change_filters(self) -> None:
        self.filters = HUMAN_HOST if self.filters == EVERY_HOST else EVERY_HOST

    def start(self, changes: list[Change], window_request: RunRequest, *, trouble: str = NONE, **others: Any) -> DagRun:
        dag_run = DagRun(f"run {len(self.dag_runs) + 1}", window_request, **others)
        self.dag_runs.append(dag_run)
        self.run(changes, dag_run, trouble)
        return dag_run

    def run(self, changes: list[Change], dag_run: DagRun, trouble: str = NONE) -> None:
        """Change records at NCBI, run once, successfully or not, and compare."""
        for change in changes:
            change.happen(self.world)
        self.is_valid = False
        source = self.model.sources[dag_run.source]
        window = source.window(dag_run.window_request, self.filters, dag_run.name)
        watermark = source.watermarks.get(self.filters)
        archived = source.archived(window, self.filters, dag_run.name, reuses=dag_run.reuses)
        package = archived or self.answer(dag_run, window)
        failure = self.failure(package, window, dag_run, trouble, is_downloaded=archived is None)
        if failure is GateError:  # what a gate refused is not used again
            source.archive = [other for other in source.archive if other is not package]
        elif archived is None and package.lines and failure is not DatasetsUnavailable:
            source.archive.append(package)
        self.ncbi.breaks = [BREAKS[trouble]] if failure is DatasetsUnavailable else []
        requests_before = len(self.ncbi.requests)

        assert self.ingest(dag_run, self.warehouse(CrashingWarehouse if failure is Crash else Warehouse)) is failure

        assert len(self.ncbi.requests) - requests_before == (archived is None)
        self.runs += 1
        happened.update(["runs", f"{window.mode} runs", failure.__name__ if failure else "commits"])
        happened["packages used again"] += archived is not None
        with self.reading():
            row = self.last_ledger_row()
            expected: dict[str, object] = {
                "source": dag_run.source,
                "dag_run_id": dag_run.name,
                "mode": window.mode,
                "updated_since": window.since,
                "until": window.until,
                "watermark_before": watermark,
                "status": "failed" if failure else "success",
            }
            if failure is not None:
                expected |= dict.fromkeys(("lines", *OUTCOMES, "watermark"))
            if row["requested_at"] is not None:
                self.requested_at.setdefault(package.number, row["requested_at"])
            if failure is None:
                happened["packages out of order"] += package.number < source.newest_request
                run = self.committed(row, dag_run)
                assert not self.model.past or run.committed_at > self.model.past[-1][0]
                counts = self.model.merge(dag_run.source, package, window, run)
                happened.update(counts)
                expected |= {"lines": len(package.lines), **{outcome: counts[outcome] for outcome in OUTCOMES}}
                expected |= {"watermark": source.watermarks.get(self.filters), "attempts": int(archived is None)}
                expected |= {"withdrawn": counts["withdrawn"]}
                self.compare_counted(run, source)
            assert {column: row[column] for column in expected} == expected
            self.compare()
        self.is_valid = True

    def replay(self) -> None:
        """Replay the quarantine: nothing is requested from NCBI, and nothing changes."""
        dag_run = DagRun(None, RunRequest(REPLAY))
        source = self.model.sources[FOLLOWED]
        self.is_valid = False
        requests_before = len(self.ncbi.requests)
        assert self.ingest(dag_run, self.warehouse()) is None
        assert len(self.ncbi.requests) == requests_before
        self.runs += 1
        happened["replay runs"] += 1
        with self.reading():
            row = self.last_ledger_row()
            lines = source.replayable(self.filters)
            assert (row["mode"], row["lines"], row["quarantined"]) == (REPLAY, lines, lines)
            assert row["watermark"] == source.watermarks.get(self.filters)
            run = self.committed(row, dag_run)
            source.replay(run)
            self.model.remember(run)
            self.compare()
        self.is_valid = True

    def committed(self, row: dict[str, Any], dag_run: DagRun) -> Run:
        requested_at = row["requested_at"] or row["started_at"]
        return Run(row["run_id"], row["ended_at"], requested_at, self.filters, dag_run.name, dag_run.accepts_missing)

    def failure(
        self, package: Package, window: RunRequest, dag_run: DagRun, trouble: str, *, is_downloaded: bool
    ) -> type[Exception] | None:
        """The expected error of the run, if any."""
        if is_downloaded and trouble in BREAKS:
            return DatasetsUnavailable
        if window.mode == FULL and not package.lines:
            return EmptyFullLoad
        now = datetime.now(UTC)
        requested_at = self.requested_at.get(package.number, now)
        try:
            run = Run("a try", now, requested_at, self.filters, dag_run.name, dag_run.accepts_missing)
            copy.deepcopy(self.model.sources[dag_run.source]).merge(package, window, run)
        except MassLoss:
            return GateError
        return Crash if trouble == BEFORE_COMMIT else None

    def answer(self, dag_run: DagRun, window: RunRequest) -> Package:
        """The expected request to NCBI, and so its response."""
        self.requests += 1
        lines = self.world.report(self.filters, window.since)
        genomes = self.world.genomes(lines) if self.model.sources[dag_run.source].asks_in(window) else None
        return Package(self.requests, self.filters, dag_run.name, window, lines, self.world.family, genomes)

    def ingest(self, dag_run: DagRun, warehouse: Warehouse) -> type[Exception] | None:
        """Run the real `ingest`; returns its error, which is that of the twin."""
        breaks = list(self.ncbi.breaks)
        ended = self.ingest_at(self.ncbi, self.data, dag_run, warehouse)
        if self.twin is not None:
            self.twin.ncbi.world, self.twin.ncbi.breaks = self.world, breaks
            file = type(warehouse)(self.twin.data.warehouse, lock_timeout=120)
            assert self.ingest_at(self.twin.ncbi, self.twin.data, dag_run, file) is ended
        return ended

    def ingest_at(
        self, ncbi: FakeNcbi, data: DataFolder, dag_run: DagRun, warehouse: Warehouse
    ) -> type[Exception] | None:
        window_request = dag_run.window_request
        try:
            with DatasetsClient(ncbi.url, attempts=1) as client:
                ingest(
                    Source(
                        name=dag_run.source,
                        request=REQUESTS[self.filters, self.model.sources[dag_run.source].asks],
                        lookback_days=LOOKBACK.days,
                        max_missing=MAX_MISSING,
                        max_emptied=1,
                        withdraw_after=WITHDRAW_AFTER,
                        reuse_hours=24 if dag_run.reuses else 0,
                    ),
                    client=client,
                    warehouse=warehouse,
                    data=data,
                    origin=RunOrigin("ncbi_virus_ingest", dag_run.name) if dag_run.name else None,
                    wish=WindowRequest(
                        None if window_request.mode == INCREMENTAL else window_request.mode,
                        window_request.since,
                        window_request.until,
                    ),
                    accepts=Acceptance(missing=dag_run.accepts_missing),
                )
        except (DatasetsUnavailable, Crash, EmptyFullLoad, GateError) as error:
            return type(error)
        return None

    def warehouse(self, kind: type[Warehouse] = Warehouse) -> Warehouse:
        return kind(LakeStorage(self.lake) if self.lake else self.data.warehouse, lock_timeout=120)

    # The warehouse matches the model

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Open it to read. A new DuckDB instance for it would take longer than the comparison."""
        if self.lake:
            attach_lake(self.reader, self.lake)
        else:
            self.reader.execute(f"ATTACH '{self.data.warehouse}' AS warehouse (READ_ONLY)")
        self.reader.execute("USE warehouse")
        try:
            yield
        finally:
            self.reader.execute("USE memory")
            self.reader.execute("DETACH warehouse")

    def last_ledger_row(self) -> dict[str, Any]:
        result = self.reader.execute("FROM ops.ingest_run ORDER BY started_at")
        names = [column[0] for column in result.description or ()]
        rows = result.fetchall()
        assert len(rows) == self.runs
        return dict(zip(names, rows[-1], strict=True))

    def compare(self) -> None:
        columns = "source, accession, version, update_date, length, isolate_name, host_common_name, valid_from, run_id"
        assert self.rows(f"SELECT {columns} FROM virus_genome") == _sorted(
            (name, *_columns(state)) for name, source in self.model.sources.items() for state in source.held.values()
        )
        assert self.rows("SELECT source, accession, status, missing_since FROM virus_genome") == _sorted(
            (name, accession, "missing" if state.missing_since else "live", state.missing_since)
            for name, source in self.model.sources.items()
            for accession, state in source.held.items()
        )
        history = self.rows(f"SELECT {columns}, valid_to, ended_by, ended_run_id FROM virus_genome_history")
        assert history == _sorted(
            (name, *_columns(state), state.valid_to, state.ended_by, state.ended_run_id)
            for name, source in self.model.sources.items()
            for state in source.history
        )
        assert self.rows("SELECT source, accession, accession_version FROM virus_annotation") == _sorted(
            (name, accession, f"{accession}.{state.line.version}")
            for name, source in self.model.sources.items()
            for accession, state in source.held.items()
        )
        assert self.rows("SELECT tax_id, name FROM taxon") == _sorted(self.model.taxa.items())
        self.compare_past()
        self.compare_genomes()
        self.compare_with_twin()

    def compare_with_twin(self) -> None:
        """All columns of all tables are as in the file; letters are in parts of each data folder."""
        if self.twin is not None:
            with opened(self.twin.data.warehouse) as file:
                assert comparable(self.reader) == comparable(file)
            happened["comparisons with a file"] += 1

    def compare_genomes(self) -> None:
        """Each genome has its letters; a record without its own has a row that says why."""
        parts = ", ".join(f"'{self.data.sequences / part}'" for part in sorted(self.parts_named()))
        stored = f"read_parquet([{parts}])" if parts else "(SELECT NULL AS part, NULL AS position, '' AS sequence)"
        described = f"""
            SELECT source, sequence_id, sequence FROM ops.sequence
            LEFT JOIN ops.sequence_letters USING (sha256) LEFT JOIN {stored} USING (part, position)
            WHERE valid_to IS NULL
        """
        assert self.rows(described) == self.expected_genomes()
        open_ones = "SELECT source, sequence_id, accession FROM ops.sequence_mismatch WHERE resolved_at IS NULL"
        assert self.rows(open_ones) == _sorted(
            (name, *mismatch) for name, source in self.model.sources.items() for mismatch in source.mismatches.items()
        )
        asking = ", ".join(f"'{name}'" for name, source in self.model.sources.items() if source.asks)
        unexplained = f"""
            SELECT source, accession_version FROM virus_genome WHERE source IN ({asking})
            EXCEPT SELECT source, accession_version FROM ops.sequence WHERE valid_to IS NULL
            EXCEPT (
                SELECT source, genome.accession_version FROM ops.sequence_mismatch
                INNER JOIN virus_genome AS genome USING (source, accession) WHERE resolved_at IS NULL
            )
        """
        assert self.rows(unexplained) == []

    def expected_genomes(self) -> list[tuple[Any, ...]]:
        return _sorted(
            (name, *genome) for name, source in self.model.sources.items() for genome in source.genomes.items()
        )

    def compare_counted(self, run: Run, source: FollowedSource) -> None:
        columns = ("records", "stored", "unchanged", "mismatched", "orphaned", "missing")
        counted = self.rows(f"SELECT {', '.join(columns)} FROM ops.ingest_sequence WHERE run_id = '{run.run_id}'")
        expected = [] if source.counted is None else [tuple(source.counted[name] for name in columns)]
        assert counted == expected
        happened.update(f"genomes {name}" for name in source.counted or () for _ in range(source.counted[name]))  # type: ignore[index]

    def compare_published(self) -> None:
        """A published snapshot keeps its sequences, whatever happened to the store since."""
        if self.published is not None:
            with duckdb.connect(self.data.snapshot, read_only=True) as snapshot:
                shown = snapshot.execute("SELECT source, sequence_id, sequence FROM virus_sequence").fetchall()
            assert _sorted(shown) == self.published

    def parts_named(self) -> set[str]:
        return {part for (part,) in self.rows("SELECT DISTINCT part FROM ops.sequence_letters")}

    @property
    def parts_on_disk(self) -> set[str]:
        return {path.name for path in self.data.sequences.iterdir()}

    def compare_past(self) -> None:
        """`virus_genome_as_of` returns the contents of the table after every past run."""
        columns = "source, accession, version, length, isolate_name, host_common_name, valid_from, run_id"
        moments = [
            f"SELECT {number}, {columns} FROM virus_genome_as_of(TIMESTAMPTZ '{moment.isoformat()}')"
            for number, (moment, _) in enumerate(self.model.past)
        ]
        if moments:
            assert self.rows(" UNION ALL ".join(moments)) == _sorted(
                (number, *row) for number, (_, held) in enumerate(self.model.past) for row in held
            )

    def compare_growing_tables(self) -> None:
        """Tables that only grow are compared once, at the end."""
        sources = self.model.sources.items()
        columns = "source, accession, changed_at, run_id, field, old_value, new_value"
        assert self.rows(f"SELECT {columns} FROM virus_genome_change") == _sorted(
            (name, *change)
            for name, source in sources
            for revision in source.revisions
            for change in revision.changes()
        )
        assert self.rows("SELECT source, raw, first_run_id, last_run_id FROM ops.quarantine") == _sorted(
            (name, text, *runs[:2]) for name, source in sources for text, runs in source.quarantine.items()
        )
        found = {(gate, source) for gate, source, *_ in self.rows(gates_sql())}
        assert found == {("sequence_mismatches", name) for name, source in sources if source.mismatches}

    def compare_rebuilt(self) -> None:
        """A rebuild from the archive gives the same warehouse, except for a source that was never loaded in full."""
        sources = self.model.sources.values()
        if not all(source.is_rebuildable for source in sources) or not any(source.newest_request for source in sources):
            return
        rebuilt = rebuild(self.data, from_oldest=True, warehouse=self.warehouse())
        happened["rebuilds"] += 1
        assert (rebuilt.gaps, rebuilt.differences) == ([], [])
        assert content(rebuilt.path) == content(self.lake or self.data.warehouse)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return _sorted(self.reader.execute(sql).fetchall())

    def teardown(self) -> None:
        try:
            if self.is_valid and self.runs:
                with self.reading():
                    self.compare_growing_tables()
                self.compare_published()
                if happened["cases"] % REBUILT_CASES == 0:
                    self.compare_rebuilt()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def _columns(state: State) -> tuple[object, ...]:
    line = state.line
    shown = (line.accession, line.version, line.update_date, line.length, line.isolate, line.host)
    return (*shown, state.valid_from, state.run_id)


def _sorted(rows: Any) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


HistoryFactory = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def history_factory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> HistoryFactory:
    """Histories one after another with one NCBI. In memory, because otherwise every commit waits for the disk."""
    monkeypatch.setenv("VIRUS_THREADS", "1")
    monkeypatch.setattr(load_gates, "FEW_RECORDS", FEW)
    monkeypatch.setattr(store, "KEPT_SECONDS", -60)  # a part that nothing names goes at once
    hide_pandas(monkeypatch)
    copy_new_files(monkeypatch)
    caplog.set_level("CRITICAL")

    @contextmanager
    def begin(
        *, shares_of: int, catalog: str | None = None, has_twin: bool = False
    ) -> Iterator[Callable[[], RandomHistory]]:
        monkeypatch.setattr(shares, "ACCESSIONS_AT_ONCE", shares_of)
        happened.clear()
        with FakeNcbi() as ncbi, FakeNcbi() as other, duckdb.connect(config=SESSION_SETTINGS) as reader:
            reader.execute("SET TimeZone = 'UTC'")

            def new_history() -> RandomHistory:
                place = tmp_path / str(happened["cases"])
                twin = Twin(other, made_data(place / "twin")) if has_twin else None
                return RandomHistory(ncbi, reader, place, migrated_lake(catalog, place) if catalog else None, twin)

            yield new_history

    return begin


def run_cases(
    history_factory: HistoryFactory, part: int, *, seed: int, cases: int, steps: int, catalog: str | None = None
) -> None:
    """Run the cases of one seed, every second part with shares of seven accessions.

    With a catalog they are on lakes, and on files at once.
    """
    started = time.monotonic()
    with history_factory(
        shares_of=(1_000_000, 7)[part % 2], catalog=catalog, has_twin=catalog is not None
    ) as new_history:
        run_state_machine_as_test(
            hypothesis_seed(seed)(new_history),
            settings=settings(
                max_examples=cases,
                stateful_step_count=steps,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    counts = ", ".join(f"{count} {name}" for name, count in sorted(happened.items()))
    print(f"seed {seed}: {time.monotonic() - started:.0f} s; {counts}")  # noqa: T201 (shown by pytest -rP)


KINDS = {
    "Crash",
    "compactions",
    "DatasetsUnavailable",
    "EmptyFullLoad",
    "GateError",
    "duplicate",
    "full runs",
    "genomes mismatched",
    "genomes missing",
    "genomes orphaned",
    "genomes records",
    "genomes stored",
    "genomes unchanged",
    "incremental runs",
    "inserted",
    "missing",
    "out_of_window",
    "packages out of order",
    "packages used again",
    "publications",
    "quarantined",
    "rebuilds",
    "replay runs",
    "revised",
    "stale",
    "touched",
    "unchanged",
    "window runs",
    "withdrawn",
}
"""The events that a history can have."""


def run_scripted_history(new_history: Callable[[], RandomHistory]) -> None:
    """Run a history that contains every event."""
    history = new_history()
    history.first_load([Released(name, FIRST_DAY, "human") for name in ACCESSIONS], True)
    history.scheduled_run([Revised(0, {"length": 2}, 1), Redated(1, 1), ListedTwice(2, 2, {"length": 3}, 0)], NONE)
    history.scheduled_run([VersionBumped(3, 2), LineBroken(BadLine("{"), 1), GenomeOff(3, LACKING)], DOWN)
    history.run_tried_again_or_cleared([ReportRepaired()], 0, DAMAGED)
    history.run_tried_again_or_cleared([DatedInTheFuture(4)], 0, NONE)
    history.snapshot_published()
    history.scheduled_run([LineBroken(BadLine("{"), 1), GenomeOff(0, CUT), GenomeOff(1, STRAY)], NONE)
    history.refused_lines_read_again()
    history.run_on_demand([ReportRepaired(), Revised(1, {"isolate": "a"}, 3)], A_WINDOW, True, NONE)
    history.run_on_demand([FamilyRenamed("Poxviridae")], A_WINDOW, True, NONE)
    revised = [Revised(0, {"length": 1}, 3)]
    history.run_crashes_and_is_overtaken([ShownInPastState(0, 0)], RunRequest(), revised, RunRequest(), False)
    history.censuses_in_a_row([], 0, [], False, True)
    history.run_without_airflow([Redated(2, 3)])
    history.neighbour_run([GenomesRepaired()])
    history.store_compacted()
    history.snapshot_published()
    history.filters_changed([Released("PX5", DAYS[4], None)], RunRequest(), BEFORE_COMMIT)
    history.run_tried_again_or_cleared([], 0, NONE)
    history.start([NoLongerShown(0), NoLongerShown(0), NoLongerShown(0)], RunRequest(CENSUS))
    history.start([NoLongerShown(0)] * 5, RunRequest(FULL))
    with history.reading():
        history.compare_growing_tables()
    history.compare_rebuilt()


def test_warehouse_matches_the_model_in_a_scripted_history(history_factory: HistoryFactory) -> None:
    with history_factory(shares_of=1_000_000) as new_history:
        run_scripted_history(new_history)
    assert KINDS - happened.keys() == set()


@pytest.mark.parametrize("part", some_of(range(0, PARTS, 2), one_in=2))
def test_warehouse_matches_the_model_in_random_histories(part: int, history_factory: HistoryFactory) -> None:
    run_cases(history_factory, part, seed=part, cases=CASES, steps=STEPS)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(0, PARTS, 2))
def test_warehouse_matches_the_model_in_many_long_histories(part: int, history_factory: HistoryFactory) -> None:
    run_cases(history_factory, part, seed=session_seed() + part, cases=LONG_CASES, steps=LONG_STEPS)
