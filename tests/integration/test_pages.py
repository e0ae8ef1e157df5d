"""What pages tell of sources and runs: from the snapshot and the run files of real runs, never from the warehouse."""

import copy
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.support.fake_ncbi import UNAVAILABLE, BadLine, FakeNcbi, World
from tests.support.followed import DENGUE, MPOX, Followed
from tests.support.scripted_server import Answer, HeldBody
from tests.support.snapshots import publish
from tests.support.warehouses import dicts, line
from virus_warehouse.ncbi.errors import DatasetsError
from virus_warehouse.pages.overview.overview import Overview, SourceCard, State, overview
from virus_warehouse.pages.runs.runs import RunFilter, list_runs, one_run, runs_of_dag_run
from virus_warehouse.publish.gates import GateFailed
from virus_warehouse.run_file import RunFile
from virus_warehouse.sources import SourceError, SourcesFile
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.run_record import OUTCOMES

ALL = RunFilter()
SOURCES = SourcesFile(
    Path("sources.yaml"),
    # The records are of the year before: NCBI stands still, and that is meant.
    {source.name: source.model_copy(update={"stale_after_days": None}) for source in (MPOX, DENGUE)},
)


def tell(followed: Followed, **of: datetime) -> Overview:
    return overview(followed.data, SOURCES, **of)


def card(followed: Followed, source: str = "mpox", **of: datetime) -> SourceCard:
    return next(card for card in tell(followed, **of).cards if card.name == source)


def published(followed: Followed) -> None:
    publish(followed.data, SOURCES)


@pytest.fixture(scope="module")
def much_happened(ncbi, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """All that can happen to sources, published; their run files are there."""
    ncbi.world = World()  # nothing of the tests before
    followed = Followed(ncbi, tmp_path_factory.mktemp("much") / "data")
    followed.live_through_everything()
    published(followed)
    return followed


@pytest.fixture(scope="module")
def published_mpox(ncbi: FakeNcbi, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """Forty records of mpox, loaded and published: the data folder, and what NCBI shows."""
    ncbi.world = World()
    followed = Followed(ncbi, tmp_path_factory.mktemp("mpox") / "data")
    for number in range(40):
        followed.show(f"PX{number}", number % 3)
    followed.run()
    published(followed)
    return followed.data.root, copy.deepcopy(ncbi.world)


@pytest.fixture
def mpox(published_mpox: tuple[Path, World], followed: Followed) -> Followed:
    """A copy of it, to go on from there."""
    root, world = published_mpox
    shutil.copytree(root, followed.data.root, dirs_exist_ok=True)
    followed.ncbi.world = copy.deepcopy(world)
    return followed


def test_before_anything_has_run_every_source_is_told_of(followed: Followed) -> None:
    told = tell(followed)
    assert [(card.name, card.state, card.last_run) for card in told.cards] == [
        ("dengue", State.NEVER_LOADED, None),
        ("mpox", State.NEVER_LOADED, None),
    ]
    assert (told.published_at, told.check, told.states) == (None, None, {State.NEVER_LOADED: 2})
    assert list_runs(followed.data, ALL, limit=9).runs == []
    assert one_run(followed.data, "run-1") is None


def test_a_source_is_told_as_it_was_published(mpox: Followed) -> None:
    told = card(mpox)
    assert (told.state, told.alarms, told.taxon) == (State.UP_TO_DATE, [], "10244")
    assert told.published
    assert told.published["records"] == 40
    assert told.last_run
    assert (told.last_run["mode"], told.last_run["inserted"]) == ("full", 40)
    assert [(run["status"], run["changed"]) for run in told.recent_runs] == [("success", 40)]


def test_what_is_amiss_is_told_with_a_query_for_the_rows_concerned(mpox: Followed) -> None:
    mpox.ncbi.world.strays = [(0, BadLine("{")), (0, BadLine(line("PZ1.1", novelty=1)))]
    mpox.ncbi.world.records.pop("PX7")
    mpox.run(mode="census")
    published(mpox)
    alarms = {alarm.kind: alarm for alarm in card(mpox).alarms}
    rows = {}
    with duckdb.connect(mpox.data.snapshot, read_only=True) as connection:
        for kind, alarm in alarms.items():
            rows[kind] = connection.execute(alarm.query or "").fetchall()
    assert {kind: [row[:2] for row in found] for kind, found in rows.items() if kind != "missing"} == {
        "quarantine": [("data_report", 2)],
        "drift": [("data_report", "$.novelty")],
    }
    assert [row[0] for row in rows["missing"]] == ["PX7"]


def test_every_run_is_told_with_counts_that_add_up_whether_its_file_is_there_or_not(much_happened: Followed) -> None:
    followed = much_happened
    rows = dicts(followed.data.warehouse, "FROM ops.ingest_run ORDER BY started_at DESC, run_id DESC")
    reports = dicts(followed.data.warehouse, "FROM ops.ingest_report")

    def told() -> None:
        listed = list_runs(followed.data, ALL, limit=99)
        assert [run["run_id"] for run in listed.runs] == [row["run_id"] for row in rows]
        assert (listed.found, listed.sources) == (len(rows), ["dengue", "mpox"])
        for row in rows:
            run = one_run(followed.data, row["run_id"])
            assert run
            assert {name: run[name] for name in row if name != "versions"} == {
                name: value for name, value in row.items() if name != "versions"
            }
            assert run["reports"] == {
                report["report"]: report for report in reports if report["run_id"] == row["run_id"]
            }
            for counts in run["reports"].values():
                assert sum(counts[outcome] for outcome in OUTCOMES) == counts["lines"]

    told()
    for file in followed.data.runs.glob("*.json"):
        file.unlink()
    told()


def test_what_is_loaded_and_not_published_is_told_with_the_further_reports(mpox: Followed) -> None:
    mpox.ncbi.world.annotates = True
    mpox.show("PX99", 3)
    result = mpox.run()
    run = one_run(mpox.data, result.run_id)
    assert run
    assert not run["is_published"]
    assert {name: counts["lines"] for name, counts in run["reports"].items()} == {
        "data_report": 41,
        "annotation_report": 41,
        "biosample_report": 41,
    }
    told = card(mpox)
    assert (told.state, told.alarms) == (State.NOT_PUBLISHED, [])
    later = card(mpox, now=datetime.now(UTC) + timedelta(hours=1))
    assert [(alarm.kind, alarm.weight) for alarm in later.alarms] == [("not published", "warn")]
    published(mpox)
    assert card(mpox).state == State.UP_TO_DATE


def test_what_the_check_holds_back_is_told_of_its_source_alone(mpox: Followed) -> None:
    with duckdb.connect(mpox.data.warehouse) as connection:
        connection.execute("DELETE FROM virus_genome WHERE accession LIKE 'PX1%'")
    mpox.run(DENGUE)
    published(mpox)
    assert tell(mpox).check is not None
    assert card(mpox, "dengue").state == State.UP_TO_DATE
    held_back = card(mpox)
    assert held_back.state == State.HELD_BACK
    assert held_back.published is not None
    assert held_back.published["records"] == 40
    (alarm,) = [alarm for alarm in held_back.alarms if alarm.kind == "held back"]
    assert alarm.weight == "bad"
    assert "shrinkage of mpox: of 40 records published, 11 are gone" in alarm.text
    assert "virus-warehouse publish --source mpox" in alarm.text
    publish(mpox.data, SOURCES, "shrinkage")
    (alarm,) = card(mpox).alarms
    assert alarm.text.startswith("Accepted by a person: of 40 records published, 11 are gone")


def test_what_belongs_to_no_source_keeps_back_all_that_is_loaded(mpox: Followed) -> None:
    mpox.run(DENGUE)
    with duckdb.connect(mpox.data.warehouse) as connection:
        connection.execute("INSERT INTO taxon VALUES (10244, 'once more')")
    with pytest.raises(GateFailed):
        published(mpox)
    told = tell(mpox)
    assert told.check
    (blocked,) = told.check.blocked
    assert blocked.gate == "unique_keys"
    assert blocked.text.startswith("unique_keys: a taxon is more than once")
    assert blocked.way_out
    dengue = card(mpox, "dengue")
    assert dengue.state == State.NOT_PUBLISHED
    assert [(alarm.kind, alarm.weight) for alarm in dengue.alarms] == [("not published", "bad")]
    publish(mpox.data, SOURCES, "unique_keys")
    told = tell(mpox)
    assert told.check
    assert told.check.blocked == ()
    assert card(mpox, "dengue").state == State.UP_TO_DATE


def test_a_failed_run_is_told_with_its_reason_and_where_it_failed(mpox: Followed) -> None:
    mpox.ncbi.breaks = [UNAVAILABLE]
    with pytest.raises(DatasetsError):
        mpox.run()
    told = card(mpox)
    assert told.last_run
    run = one_run(mpox.data, told.last_run["run_id"])
    assert run
    assert (run["status"], run["stage"], run["failed_in"]) == ("failed", "failed", "download")
    assert "503" in run["error"]
    assert told.state == State.FAILED
    assert [(alarm.kind, alarm.text) for alarm in told.alarms] == [("failed", run["error"])]


WHOLE = {
    "source": "mpox",
    "mode": "full",
    "status": "success",
    "started_at": "2030-01-01T00:00:00+00:00",
    "ended_at": "2030-01-01T00:01:00+00:00",
    "lines": 3,
    "inserted": 3,
}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '"text"', "{}", "\ufeff{}", '{"run_id": "another"}']
    + [json.dumps({name: value for name, value in WHOLE.items() if name != lacking}) for lacking in list(WHOLE)[:4]]
    + [json.dumps({**WHOLE, "started_at": "soon"}), json.dumps({**WHOLE, "status": None})],
)
def test_file_that_does_not_tell_of_a_run_disturbs_no_page(mpox: Followed, text: str) -> None:
    (mpox.data.runs / "20300101T000000Z-mpox-abcdef.json").write_text(text)
    (mpox.data.runs / "20300101T000000Z-mpox-bcdefa.json").write_bytes(b"\xff\xfe{")
    assert list_runs(mpox.data, ALL, limit=9).found == 1
    assert one_run(mpox.data, "20300101T000000Z-mpox-abcdef") is None
    assert card(mpox).state is State.UP_TO_DATE


def test_file_of_another_version_tells_what_this_one_reads(mpox: Followed) -> None:
    run_id = "20300101T000000Z-mpox-abcdef"
    told = {
        **WHOLE,
        "format": 9,
        "run_id": "named otherwise",
        "attempts": "three",
        "seconds": {"download": 1.5, "stage": "long", "dream": 2},
        "versions": ["9.0"],
        "reports": {"annotation_report": {"lines": 2, "inserted": "two"}, "novelty_report": 3},
        "novelty": {"a": [1]},
    }
    (mpox.data.runs / f"{run_id}.json").write_text(json.dumps(told))
    run = one_run(mpox.data, run_id)
    assert run
    assert (run["run_id"], run["inserted"], run["attempts"]) == (run_id, 3, None)
    assert (run["seconds"], run["versions"]) == ({"download": 1.5, "stage": None, "dream": 2.0}, {})
    assert list(run["reports"]) == ["data_report", "annotation_report"]
    assert (run["reports"]["annotation_report"]["lines"], run["reports"]["annotation_report"]["inserted"]) == (2, 0)
    last = card(mpox).last_run
    assert last
    assert last["run_id"] == run_id


def test_stale_is_a_source_whose_own_schedule_says_so(mpox: Followed) -> None:
    late = card(mpox, now=datetime.now(UTC) + timedelta(days=3))
    assert late.state == State.OVERDUE
    assert late.alarms[0].text.startswith("Overdue since ")
    # A replay and a backfill ask for nothing new.
    mpox.ncbi.world.strays.append((0, BadLine("{")))
    mpox.run(mode="replay")
    assert card(mpox, now=datetime.now(UTC) + timedelta(days=3)).last_run != late.last_run
    assert card(mpox, now=datetime.now(UTC) + timedelta(days=3)).state == State.OVERDUE


def test_a_run_whose_process_is_gone_has_failed_and_does_not_run_for_ever(mpox: Followed) -> None:
    file = RunFile(mpox.data.runs, "20260101T000000Z-mpox-abcdef")
    file.write(source="mpox", mode="full", status="running", stage="merge", started_at="2099-01-01T00:00:00+00:00")
    run = one_run(mpox.data, "20260101T000000Z-mpox-abcdef")
    assert run
    assert (run["status"], run["error"], run["failed_in"]) == ("failed", ledger.DIED, "merge")
    assert card(mpox).state == State.FAILED


def test_of_sources_followed_no_more_or_not_rightly_all_is_told_that_is_held(mpox: Followed) -> None:
    broken = SourcesFile(SOURCES.path, {}, {"dengue": SourceError("sources.yaml: source 'dengue': no taxon")})
    told = {card.name: card for card in overview(mpox.data, broken).cards}
    assert (told["mpox"].state, told["dengue"].state) == (State.NOT_FOLLOWED, State.BROKEN)
    assert told["dengue"].alarms[0].text == "Not running: sources.yaml: source 'dengue': no taxon"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RunFilter(source="dengue"), 2),
        (RunFilter(mode="replay"), 1),
        (RunFilter(status="failed"), 0),
        (RunFilter(text="-DENGUE-"), 2),
        (RunFilter(source="mpox", mode="window"), 1),
        (RunFilter(dag_run="manual__1"), 0),
        (RunFilter(source="' OR true --"), 0),
    ],
)
def test_the_ledger_is_filtered(much_happened: Followed, wanted: RunFilter, found: int) -> None:
    assert list_runs(much_happened.data, wanted, limit=99).found == found


def test_the_ledger_has_pages(much_happened: Followed) -> None:
    whole = [run["run_id"] for run in list_runs(much_happened.data, ALL, limit=99).runs]
    pages = [list_runs(much_happened.data, ALL, limit=4, offset=offset) for offset in range(0, len(whole), 4)]
    assert [run["run_id"] for page in pages for run in page.runs] == whole
    assert {page.found for page in pages} == {len(whole)}


def test_the_tries_of_a_dag_run_are_found_by_it(mpox: Followed) -> None:
    origin = {"dag_id": "ncbi_virus_ingest__mpox", "dag_run_id": "manual__1"}
    for number, status in ((1, "failed"), (2, "success")):
        file = RunFile(mpox.data.runs, f"try-{number}")
        started = f"2026-01-0{number}T00:00:00+00:00"
        file.write(source="mpox", mode="full", status=status, started_at=started, try_number=number, **origin)
    found = runs_of_dag_run(mpox.data, "ncbi_virus_ingest__mpox", "manual__1")
    assert [run["run_id"] for run in found] == ["try-1", "try-2"]
    assert runs_of_dag_run(mpox.data, "ncbi_virus_ingest__dengue", "manual__1") == []
    run = one_run(mpox.data, "try-1")
    assert run
    assert [(other["run_id"], other["status"]) for other in run["tries"]] == [("try-1", "failed"), ("try-2", "success")]


class TestWhileALoadRuns:
    @dataclass
    class AtWork:
        """A load whose download does not end before it is let go."""

        load: threading.Thread
        let_go: threading.Event

        def __call__(self) -> bool:
            """Whether it still works."""
            return self.load.is_alive()

    @pytest.fixture
    def at_work(self, mpox: Followed) -> Iterator[AtWork]:
        mpox.show("PX99", 3)
        whole = mpox.ncbi.next_answer  # the package that the world makes
        let_go = threading.Event()

        def held(request):
            body = bytes(whole(request).body)
            return Answer(body=HeldBody([body[:100], body[100:200]], body[200:], let_go))

        mpox.ncbi.next_answer = held
        at_work = self.AtWork(threading.Thread(target=mpox.run), let_go)
        at_work.load.start()
        yield at_work
        let_go.set()
        at_work.load.join()
        del mpox.ncbi.next_answer

    def test_it_is_told_from_its_first_second_and_what_is_published_stays(
        self, mpox: Followed, at_work: AtWork
    ) -> None:
        seen: list[tuple[str, str]] = []
        while at_work():
            told = card(mpox)
            assert told.published
            assert told.published["records"] == 40
            (before, *now) = list_runs(mpox.data, ALL, limit=9).runs[::-1]
            assert before["status"] == "success"
            seen += [(run["status"], run["stage"]) for run in now]
            if ("running", "download") in seen:
                at_work.let_go.set()
        assert ("running", "download") in seen
        assert list(dict.fromkeys(status for status, _ in seen)) in (["running"], ["running", "success"])
        told = card(mpox)
        assert told.last_run
        assert (told.last_run["status"], told.last_run["inserted"]) == ("success", 1)

    def test_nobody_who_looks_holds_the_warehouse_or_the_snapshot(self, mpox: Followed, at_work: AtWork) -> None:
        looks = 0
        while at_work():
            with duckdb.connect(mpox.data.snapshot, read_only=True):
                card(mpox)
            looks += 1
            if looks == 5:
                at_work.let_go.set()
        assert looks >= 5
        published(mpox)
        told = card(mpox)
        assert told.published
        assert told.published["records"] == 41

    def test_files_that_go_while_they_are_read_are_no_error(self, mpox: Followed, tmp_path: Path) -> None:
        stopped = threading.Event()

        def come_and_go() -> None:
            while not stopped.is_set():
                file = RunFile(mpox.data.runs, "20260101T000000Z-mpox-abcdef")
                file.write(source="mpox", mode="full", status="failed", started_at="2026-01-01T00:00:00+00:00")
                file.path.unlink()

        coming = threading.Thread(target=come_and_go)
        coming.start()
        try:
            for _ in range(60):
                assert list_runs(mpox.data, ALL, limit=9).found in (1, 2)
        finally:
            stopped.set()
            coming.join()
