"""Housekeeping removes what is old or left by dead runs, says so, and disturbs neither loads nor answers."""

import json
import logging
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.integration.test_compaction import GENOMES
from tests.integration.test_sequences import fasta, held, letters, package
from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import MPOX, Followed, content
from tests.support.genuine import site_in
from tests.support.killed_maintenance import HOUSEKEEPING_MOMENTS, stopped
from tests.support.program import command
from tests.support.snapshots import publish
from tests.support.tiers import some_of
from tests.support.waiting import until
from tests.support.warehouses import query
from tests.support.workers import follow_until, processes
from virus_warehouse import compaction, housekeeping
from virus_warehouse.compaction import PartDamaged
from virus_warehouse.database_file import log_of
from virus_warehouse.housekeeping import HousekeepingFailed, keep_house
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.run_file import read_state
from virus_warehouse.sources import Source, SourcesFile, read_sources
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.thin_history import thin_history

pytestmark = pytest.mark.usefixtures("small_loads")

YEAR = 365 * 86_400


def following(*sources: Source) -> SourcesFile:
    return SourcesFile(Path("sources.yaml"), {source.name: source for source in sources})


def keep(followed: Followed, *sources: Source) -> dict[str, str]:
    """Keep house; returns the line of each part, by its name."""
    warehouse = Warehouse(followed.data.warehouse, lock_timeout=120)
    lines = keep_house(warehouse, followed.data, following(*(sources or (MPOX,))))
    return dict(line.split(": ", 1) for line in lines)


def age(path: Path, seconds: float = YEAR) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """Five records of mpox."""
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, tmp_path_factory.mktemp("loaded") / "data")
        for number in range(5):
            followed.show(f"PX{number}", number)
        followed.run()
        yield followed


@pytest.fixture
def loaded(loaded_once: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    """A copy of them that a test can change."""
    return loaded_once.copy_to(tmp_path / "data", ncbi)


def test_nothing_to_do_changes_nothing(loaded: Followed) -> None:
    publish(loaded.data, following(MPOX))
    before = {path: path.read_bytes() for path in loaded.data.root.rglob("*") if path.is_file()}
    lines = keep(loaded)
    assert lines == {
        "dead runs": "0 runs closed as failed, 0 files removed, 0 bytes freed",
        "old run files and refused packages": "0 files removed, 0 bytes freed",
        "archive": "0 files removed, 0 bytes freed",
        "history": "kept, no source sets history_days",
        "old candidates": "0 files removed, 0 bytes freed",
        "sequence store": "few small files, 0 files removed, 0 bytes freed",
        "checkpoint": "0 bytes freed",
    }
    assert {path: path.read_bytes() for path in loaded.data.root.rglob("*") if path.is_file()} == before


def test_each_part_removes_what_is_old_and_says_what_it_freed(
    loaded: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "virus_warehouse")
    data, before = loaded.data, content(loaded.data.warehouse)
    old = loaded.run(mode="full")
    newest = loaded.run(mode="full")
    for result in (old,):
        sidecar = loaded.package(result).with_suffix(".json")
        long_ago = (datetime.now(UTC) - timedelta(days=365)).isoformat()
        sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "requested_at": long_ago}))
    refused = data.refused / f"{newest.run_id}-ab12.zip"
    refused.write_bytes(bytes(300))
    old_run = data.runs / f"{old.run_id}.json"
    for path in (refused, old_run):
        age(path)
    left = data.temporary / "20250601T000000Z-mpox-abcdef"
    left.mkdir()
    (left / "package.zip").write_bytes(bytes(1000))
    candidate = data.candidates / "20250601T000000Z-abcdef.duckdb"
    candidate.write_bytes(bytes(2000))
    age(candidate)
    orphan = data.packages / "mpox" / "20250601T000000Z-mpox-abcdef.zip"
    orphan.write_bytes(bytes(500))
    size = old_run.stat().st_size
    package_size = sum(loaded.package(old).with_suffix(suffix).stat().st_size for suffix in (".zip", ".json"))
    lines = keep(loaded)
    assert lines["dead runs"] == "0 runs closed as failed, 2 files removed, 1,500 bytes freed"
    assert lines["old run files and refused packages"] == f"2 files removed, {300 + size:,} bytes freed"
    assert lines["archive"] == f"2 files removed, {package_size:,} bytes freed"
    assert lines["old candidates"] == "1 file removed, 2,000 bytes freed"
    assert not any(path.exists() for path in (refused, old_run, left, candidate, orphan, loaded.package(old)))
    assert loaded.package(newest).exists()
    assert content(data.warehouse)["virus_genome"] == before["virus_genome"]
    assert {f"{name}: {line}" for name, line in lines.items()} <= set(caplog.messages)


def test_run_of_a_dead_process_is_closed(loaded: Followed) -> None:
    name = "20250601T000000Z-mpox-abcdef"
    run_file = loaded.data.runs / f"{name}.json"
    run_file.write_text(json.dumps({"format": 1, "run_id": name, "source": "mpox", "status": "running"}))
    (loaded.data.runs / f".{name}.lock").touch()
    with duckdb.connect(loaded.data.warehouse) as connection:
        connection.execute(
            "INSERT INTO ops.ingest_run BY NAME "
            "SELECT * REPLACE ('running' AS status, $name AS run_id, NULL AS ended_at) FROM ops.ingest_run",
            {"name": name},
        )
    assert keep(loaded)["dead runs"].startswith("1 run closed as failed")
    assert query(loaded.data.warehouse, "SELECT status FROM ops.ingest_run WHERE run_id = ?", name) == [("failed",)]
    state = read_state(run_file)
    assert state is not None
    assert state["status"] == "failed"


def test_log_beside_the_warehouse_is_written_into_it(loaded: Followed) -> None:
    with duckdb.connect(loaded.data.warehouse) as connection:
        connection.execute("SET wal_autocheckpoint = '1TB'")
        connection.execute("INSERT INTO ops.acceptance SELECT 'mpox', 'run ' || n, 'missing' FROM range(20_000) t(n)")
        log = log_of(loaded.data.warehouse).read_bytes()
        assert log
    log_of(loaded.data.warehouse).unlink(missing_ok=True)
    assert keep(loaded)["checkpoint"].endswith("bytes freed")
    assert not log_of(loaded.data.warehouse).exists()


def test_failed_part_is_named_and_the_others_are_done(loaded: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise PartDamaged("a part is damaged")

    monkeypatch.setattr(housekeeping, "compact", damaged)
    (loaded.data.temporary / "left").mkdir()
    with pytest.raises(HousekeepingFailed, match=r"the other parts are done, .*: sequence store: a part is damaged"):
        keep(loaded)
    assert list(loaded.data.temporary.iterdir()) == []


def test_sequence_store_is_compacted_and_letters_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_in(tmp_path / "data")
    for number in range(2):
        site.run(
            "mpox",
            package({f"PX{number}_1": 300}, fasta(**{f"PX{number}_1": letters("12"[number])})),
            sequences=GENOMES,
        )
    site.publish()
    before = held(site)
    monkeypatch.setattr(housekeeping, "compact", lambda *given: compaction.compact(*given, fewest_parts=2))
    lines = keep_house(Warehouse(site.data.warehouse), site.data, SourcesFile(Path("sources.yaml"), site.sources))
    assert "sequence store: 2 files became one with 2 sequences, 0 sequences that no record needed dropped" in "".join(
        lines
    )
    site.publish()
    assert held(site) == before


@pytest.fixture(scope="module")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """PX1 has five states; PX2 two, PX3 was withdrawn after two."""
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, tmp_path_factory.mktemp("lived") / "data")
        for number in (1, 2, 3):
            followed.show(f"PX{number}", 0)
        followed.run()
        for day in range(1, 5):
            followed.show("PX1", day, length=1 + day)
            if day == 1:
                followed.show("PX2", day, length=9)
                followed.show("PX3", day, length=9)
            followed.run()
        del ncbi.world.records["PX3"]
        followed.run(mode="census")
        followed.run(mode="census")
        yield followed


class TestHistory:
    """Records whose states ended at several times."""

    @pytest.fixture
    def lived(self, lived_once: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
        """A copy of it that a test can change."""
        return lived_once.copy_to(tmp_path / "data", ncbi)

    @staticmethod
    def times(followed: Followed) -> list[datetime]:
        rows = query(followed.data.warehouse, "SELECT ended_at FROM ops.ingest_run ORDER BY ended_at")
        return [moment for (moment,) in rows]

    @staticmethod
    def thin(followed: Followed, ended_by: datetime) -> int:
        with duckdb.connect() as session, Warehouse(followed.data.warehouse).transaction(session):
            return thin_history(session, "mpox", ended_by, datetime.now(UTC))

    def as_of(self, followed: Followed, moment: datetime) -> list[tuple[object, ...]]:
        return query(followed.data.warehouse, "FROM virus_genome_as_of(?) ORDER BY ALL", moment)

    def test_answers_since_then_stay_and_earlier_ones_are_refused(self, lived: Followed) -> None:
        times = self.times(lived)
        before = {moment: self.as_of(lived, moment) for moment in times}
        kept = "SELECT * FROM virus_genome_history WHERE accession IN ('PX2', 'PX3') ORDER BY ALL"
        others = query(lived.data.warehouse, kept)
        publish(lived.data, following(MPOX), "shrinkage")
        lag = query(lived.data.snapshot, "FROM mart.submission_lag ORDER BY ALL")
        changes = query(lived.data.snapshot, "FROM mart.change_since(?) ORDER BY ALL", times[3])
        # PX1's states ended with the runs 1 to 4; the first one stays.
        assert self.thin(lived, times[3]) == 2
        assert query(lived.data.warehouse, "SELECT kept_since, states FROM ops.history_thinned") == [(times[3], 2)]
        assert query(lived.data.warehouse, kept) == others, "a first state, and a withdrawn record"
        for moment in times[3:]:
            assert self.as_of(lived, moment) == before[moment]
        for moment in times[:3]:
            with pytest.raises(duckdb.Error, match="history of mpox was thinned by history_days: states of records"):
                self.as_of(lived, moment)
        publish(lived.data, following(MPOX))
        assert query(lived.data.snapshot, gates_sql()) == []
        assert query(lived.data.snapshot, "FROM mart.submission_lag ORDER BY ALL") == lag
        assert query(lived.data.snapshot, "FROM mart.change_since(?) ORDER BY ALL", times[3]) == changes
        with pytest.raises(duckdb.Error, match="the history of mpox was thinned"):
            query(lived.data.snapshot, "FROM mart.change_since(?)", times[0])
        assert self.thin(lived, times[3]) == 0
        assert self.thin(lived, times[4]) == 1
        assert query(lived.data.warehouse, "SELECT kept_since, states FROM ops.history_thinned") == [(times[4], 3)]

    def test_it_is_off_by_default_and_counts_days(self, lived: Followed) -> None:
        before = content(lived.data.warehouse)
        assert keep(lived)["history"] == "kept, no source sets history_days"
        thrifty = MPOX.model_copy(update={"history_days": 30})
        assert keep(lived, thrifty)["history"] == "0 superseded states of mpox removed"
        assert content(lived.data.warehouse) == before
        assert self.as_of(lived, self.times(lived)[0]) != []
        with duckdb.connect(lived.data.warehouse) as connection:  # a year later
            connection.execute(
                "UPDATE virus_genome_history SET valid_from = valid_from - INTERVAL 1 YEAR, "
                "valid_to = valid_to - INTERVAL 1 YEAR"
            )
        assert keep(lived, thrifty)["history"] == (
            "3 superseded states of mpox removed, virus_genome_as_of refuses earlier times, see ops.history_thinned"
        )

    def test_stale_package_does_not_bring_a_withdrawn_record_back(self, lived: Followed) -> None:
        self.thin(lived, datetime.now(UTC))
        known = "SELECT ended_by FROM virus_genome_history WHERE accession = 'PX3' ORDER BY valid_to"
        assert query(lived.data.warehouse, known) == [("revision",), ("withdrawal",)]


@pytest.mark.parametrize("moment", some_of(HOUSEKEEPING_MOMENTS, one_in=3))
def test_killed_housekeeping_loses_nothing(tmp_path: Path, moment: str) -> None:
    site = site_in(tmp_path / "data")
    for name, sequence in (("PX1_1", "1"), ("PX1_2", "2"), ("PX1_3", "3")):
        loaded = package({name: 300}, fasta(**{name: letters(sequence)}))
        site.run("mpox", loaded, mode="full", sequences=GENOMES)
    site.publish()
    with duckdb.connect(site.data.warehouse) as connection:  # a year later
        connection.execute(
            "UPDATE virus_genome_history SET valid_from = valid_from - INTERVAL 1 YEAR, "
            "valid_to = valid_to - INTERVAL 1 YEAR"
        )
    first = min(site.data.packages.glob("mpox/*.json"))
    long_ago = (datetime.now(UTC) - timedelta(days=365)).isoformat()
    first.write_text(json.dumps({**json.loads(first.read_text()), "requested_at": long_ago}))
    sources = tmp_path / "sources.yaml"
    sources.write_text("sources: {mpox: {taxon: 10239, sequences: [GENOME], history_days: 30}}", encoding="utf-8")
    rows, before = content(site.data.warehouse), held(site)
    assert len(rows["virus_genome_history"]) == 2
    with stopped("housekeeping", moment, sources, site.data.root) as process:
        process.kill()
    found = content(site.data.warehouse)
    if moment == "before the parts are moved":  # after the history
        assert len(found.pop("virus_genome_history")) == 1
        rows.pop("virus_genome_history")
    assert found == rows
    lines = keep_house(Warehouse(site.data.warehouse), site.data, read_sources(sources))
    assert len(lines) == len(housekeeping._PARTS)
    assert query(site.data.warehouse, "SELECT states FROM ops.history_thinned") == [(1,)]
    assert list(site.data.temporary.iterdir()) == []
    assert sorted(path.suffix for path in site.data.packages.glob("mpox/*.*")) == [".json", ".json", ".zip", ".zip"]
    site.publish()
    assert held(site) == before


@pytest.mark.parametrize("times", [2, pytest.param(6, marks=pytest.mark.long)])
def test_it_runs_beside_loads(ncbi: FakeNcbi, followed: Followed, tmp_path: Path, times: int) -> None:
    for number in range(40):
        followed.show(f"PX{number}", number % 9)
    with processes(1) as pool:
        loads = pool.submit(follow_until, tmp_path / "stop", followed.data.root, ncbi.url)
        until(lambda: bool(list(followed.data.packages.glob("mpox/loads/*.json"))), 120)
        try:
            for _ in range(times):
                keep(followed, MPOX.model_copy(update={"history_days": 1, "retention_days": 1}))
        finally:
            (tmp_path / "stop").touch()
        runs = loads.result(120)
    assert query(followed.data.warehouse, gates_sql()) == []
    assert query(followed.data.warehouse, "SELECT DISTINCT status FROM ops.ingest_run") == [("success",)]
    assert len(list(followed.data.packages.glob("mpox/*.zip"))) == runs


def test_command_prints_a_line_for_each_part(loaded: Followed, tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("sources: {mpox: {taxon: 10244, history_days: 30}}", encoding="utf-8")
    settings = {"VIRUS_DATA": str(loaded.data.root), "VIRUS_SOURCES": str(tmp_path / "sources.yaml")}
    done = command("housekeeping", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == list(housekeeping._PARTS)
    assert "history: 0 superseded states of mpox removed" in done.stdout
