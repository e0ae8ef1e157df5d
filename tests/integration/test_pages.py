"""What pages show of sources and runs: from the snapshot and the run files of real runs, never from the warehouse."""

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
from tests.support.followed import DENGUE, FIRST_DAY, MPOX, Followed
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

pytestmark = pytest.mark.usefixtures("small_loads")

ALL = RunFilter()
SOURCES = SourcesFile(
    Path("sources.yaml"),
    # The records are of the previous year, so freshness must not be checked.
    {source.name: source.model_copy(update={"stale_after_days": None}) for source in (MPOX, DENGUE)},
)


def current_overview(followed: Followed, **of: datetime) -> Overview:
    return overview(followed.data, SOURCES, **of)


def card(followed: Followed, source: str = "mpox", **of: datetime) -> SourceCard:
    return next(card for card in current_overview(followed, **of).cards if card.name == source)


def published(followed: Followed) -> None:
    publish(followed.data, SOURCES)


@pytest.fixture(scope="module")
def eventful_history(ncbi: FakeNcbi, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Sources after a run of each mode, published, with their run files."""
    ncbi.world = World()  # without the records of earlier tests
    followed = Followed(ncbi, tmp_path_factory.mktemp("much") / "data")
    ncbi.world.annotates = True
    ncbi.world.further = {"annotation_report": ["{"]}
    for number in range(6):
        followed.show(f"PX{number}", number % 3)
    ncbi.world.strays.append((0, BadLine("{")))
    followed.run()
    followed.run(DENGUE)
    followed.show("PX1", 4, length=2)
    followed.run()
    followed.run(mode="window", since=FIRST_DAY, until=FIRST_DAY + timedelta(days=2))
    ncbi.world.records.pop("PX2")
    followed.run(mode="census")
    followed.run(mode="replay")
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
    """A copy of it that a test can change."""
    root, world = published_mpox
    shutil.copytree(root, followed.data.root, dirs_exist_ok=True)
    followed.ncbi.world = copy.deepcopy(world)
    return followed


def test_every_source_is_listed_before_its_first_run(followed: Followed) -> None:
    page = current_overview(followed)
    assert [(card.name, card.state, card.last_run) for card in page.cards] == [
        ("dengue", State.NEVER_LOADED, None),
        ("mpox", State.NEVER_LOADED, None),
    ]
    assert (page.published_at, page.check, page.states) == (None, None, {State.NEVER_LOADED: 2})
    assert list_runs(followed.data, ALL, limit=9).runs == []
    assert one_run(followed.data, "run-1") is None


def test_source_card_shows_the_published_source(mpox: Followed) -> None:
    shown = card(mpox)
    assert (shown.state, shown.alarms, shown.taxon) == (State.UP_TO_DATE, [], "10244")
    assert shown.published
    assert shown.published["records"] == 40
    assert shown.last_run
    assert (shown.last_run["mode"], shown.last_run["inserted"]) == ("full", 40)
    assert [(run["status"], run["changed"]) for run in shown.recent_runs] == [("success", 40)]


def test_alarms_have_a_query_for_the_affected_rows(mpox: Followed) -> None:
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


def test_every_run_has_counts_that_add_up_with_and_without_its_file(
    eventful_history: Followed, ncbi: FakeNcbi, tmp_path: Path
) -> None:
    assert_counts_add_up(eventful_history.copy_to(tmp_path / "data", ncbi))


@pytest.mark.long
def test_every_run_of_a_long_history_has_counts_that_add_up_with_and_without_its_file(followed: Followed) -> None:
    followed.run_everything()
    published(followed)
    assert_counts_add_up(followed)


def assert_counts_add_up(followed: Followed) -> None:
    rows = dicts(followed.data.warehouse, "FROM ops.ingest_run ORDER BY started_at DESC, run_id DESC")
    reports = dicts(followed.data.warehouse, "FROM ops.ingest_report")

    def check_runs() -> None:
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

    check_runs()
    for file in followed.data.runs.glob("*.json"):
        file.unlink()
    check_runs()


def test_loaded_and_unpublished_source_is_shown_with_its_further_reports(mpox: Followed) -> None:
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
    shown = card(mpox)
    assert (shown.state, shown.alarms) == (State.UP_TO_DATE, []), "its publication is under way"
    later = card(mpox, now=datetime.now(UTC) + timedelta(hours=1))
    assert [(alarm.kind, alarm.weight) for alarm in later.alarms] == [("not published", "warn")]
    assert later.state == State.NOT_PUBLISHED
    published(mpox)
    assert card(mpox).state == State.UP_TO_DATE


def test_blocked_publication_is_shown_for_its_source_only(mpox: Followed) -> None:
    with duckdb.connect(mpox.data.warehouse) as connection:
        connection.execute("DELETE FROM virus_genome WHERE accession LIKE 'PX1%'")
    mpox.run(DENGUE)
    published(mpox)
    assert current_overview(mpox).check is not None
    assert card(mpox, "dengue").state == State.UP_TO_DATE
    held_back = card(mpox)
    assert held_back.state == State.HELD_BACK
    assert held_back.published is not None
    assert held_back.published["records"] == 40
    (alarm,) = [alarm for alarm in held_back.alarms if alarm.kind == "held back"]
    assert alarm.weight == "bad"
    assert "shrinkage of mpox: of 40 published records, 11 are missing" in alarm.text
    assert "virus-warehouse publish --source mpox" in alarm.text
    publish(mpox.data, SOURCES, "shrinkage")
    (alarm,) = card(mpox).alarms
    assert alarm.text.startswith("Accepted by a person: of 40 published records, 11 are missing")


def test_finding_outside_all_sources_blocks_the_whole_publication(mpox: Followed) -> None:
    mpox.run(DENGUE)
    with duckdb.connect(mpox.data.warehouse) as connection:
        connection.execute("INSERT INTO taxon VALUES (10244, 'once more')")
    with pytest.raises(GateFailed):
        published(mpox)
    page = current_overview(mpox)
    assert page.check
    (blocked,) = page.check.blocked
    assert blocked.gate == "unique_keys"
    assert blocked.text.startswith("unique_keys: a taxon is more than once")
    assert blocked.way_out
    dengue = card(mpox, "dengue")
    assert dengue.state == State.NOT_PUBLISHED
    assert [(alarm.kind, alarm.weight) for alarm in dengue.alarms] == [("not published", "bad")]
    publish(mpox.data, SOURCES, "unique_keys")
    page = current_overview(mpox)
    assert page.check
    assert page.check.blocked == ()
    assert card(mpox, "dengue").state == State.UP_TO_DATE


def test_failed_run_is_shown_with_its_error_and_stage(mpox: Followed) -> None:
    mpox.ncbi.breaks = [UNAVAILABLE]
    with pytest.raises(DatasetsError):
        mpox.run()
    shown = card(mpox)
    assert shown.last_run
    run = one_run(mpox.data, shown.last_run["run_id"])
    assert run
    assert (run["status"], run["stage"], run["failed_in"]) == ("failed", "failed", "download")
    assert "503" in run["error"]
    assert shown.state == State.FAILED
    assert [(alarm.kind, alarm.text) for alarm in shown.alarms] == [("failed", run["error"])]


WHOLE = {
    "source": "mpox",
    "mode": "full",
    "status": "success",
    "started_at": "2030-01-01T00:00:00+00:00",
    "ended_at": "2030-01-01T00:01:00+00:00",
    "lines": 3,
    "inserted": 3,
}


INVALID = [
    *[b"", b"{", b"[]", b"3", b'"text"', b"{}", b"\xef\xbb\xbf{}", b"\xff\xfe{", b'{"run_id": "another"}'],
    *[
        json.dumps({name: value for name, value in WHOLE.items() if name != lacking}).encode()
        for lacking in list(WHOLE)[:4]
    ],
    *[json.dumps({**WHOLE, **wrong}).encode() for wrong in ({"started_at": "soon"}, {"status": None})],
]
"""Contents that are no run file."""


def test_invalid_run_files_are_ignored(mpox: Followed) -> None:
    files = {f"20300101T0000{number:02}Z-mpox-abcdef": text for number, text in enumerate(INVALID)}
    for run_id, text in files.items():
        (mpox.data.runs / f"{run_id}.json").write_bytes(text)
    assert {files.get(run["run_id"], "valid") for run in list_runs(mpox.data, ALL, limit=99).runs} == {"valid"}
    assert list_runs(mpox.data, ALL, limit=9).found == 1
    assert [text for run_id, text in files.items() if one_run(mpox.data, run_id) is not None] == []
    assert card(mpox).state is State.UP_TO_DATE


def test_run_file_of_another_version_is_read_as_far_as_known(mpox: Followed) -> None:
    run_id = "20300101T000000Z-mpox-abcdef"
    contents = {
        **WHOLE,
        "format": 9,
        "run_id": "named otherwise",
        "attempts": "three",
        "seconds": {"download": 1.5, "stage": "long", "dream": 2},
        "versions": ["9.0"],
        "reports": {"annotation_report": {"lines": 2, "inserted": "two"}, "novelty_report": 3},
        "novelty": {"a": [1]},
    }
    (mpox.data.runs / f"{run_id}.json").write_text(json.dumps(contents))
    run = one_run(mpox.data, run_id)
    assert run
    assert (run["run_id"], run["inserted"], run["attempts"]) == (run_id, 3, None)
    assert (run["seconds"], run["versions"]) == ({"download": 1.5, "stage": None, "dream": 2.0}, {})
    assert list(run["reports"]) == ["data_report", "annotation_report"]
    assert (run["reports"]["annotation_report"]["lines"], run["reports"]["annotation_report"]["inserted"]) == (2, 0)
    last = card(mpox).last_run
    assert last
    assert last["run_id"] == run_id


def test_source_is_stale_by_its_own_schedule(mpox: Followed) -> None:
    late = card(mpox, now=datetime.now(UTC) + timedelta(days=3))
    assert late.state == State.OVERDUE
    assert late.alarms[0].text.startswith("Overdue since ")
    # A replay and a backfill request nothing new.
    mpox.ncbi.world.strays.append((0, BadLine("{")))
    mpox.run(mode="replay")
    assert card(mpox, now=datetime.now(UTC) + timedelta(days=3)).last_run != late.last_run
    assert card(mpox, now=datetime.now(UTC) + timedelta(days=3)).state == State.OVERDUE


def test_run_whose_process_is_gone_is_shown_as_failed(mpox: Followed) -> None:
    file = RunFile(mpox.data.runs, "20260101T000000Z-mpox-abcdef")
    file.write(source="mpox", mode="full", status="running", stage="merge", started_at="2099-01-01T00:00:00+00:00")
    run = one_run(mpox.data, "20260101T000000Z-mpox-abcdef")
    assert run
    assert (run["status"], run["error"], run["failed_in"]) == ("failed", ledger.DIED, "merge")
    assert card(mpox).state == State.FAILED


def test_unfollowed_and_broken_sources_are_still_shown(mpox: Followed) -> None:
    broken = SourcesFile(SOURCES.path, {}, {"dengue": SourceError("sources.yaml: source 'dengue': no taxon")})
    cards = {card.name: card for card in overview(mpox.data, broken).cards}
    assert (cards["mpox"].state, cards["dengue"].state) == (State.NOT_FOLLOWED, State.BROKEN)
    assert cards["dengue"].alarms[0].text == "Not running: sources.yaml: source 'dengue': no taxon"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RunFilter(source="dengue"), 1),
        (RunFilter(mode="replay"), 1),
        (RunFilter(status="failed"), 0),
        (RunFilter(text="-DENGUE-"), 1),
        (RunFilter(source="mpox", mode="window"), 1),
        (RunFilter(dag_run="manual__1"), 0),
        (RunFilter(source="' OR true --"), 0),
    ],
)
def test_the_ledger_is_filtered(eventful_history: Followed, wanted: RunFilter, found: int) -> None:
    assert list_runs(eventful_history.data, wanted, limit=99).found == found


def test_the_ledger_has_pages(eventful_history: Followed) -> None:
    whole = [run["run_id"] for run in list_runs(eventful_history.data, ALL, limit=99).runs]
    assert len(whole) == 6
    pages = [list_runs(eventful_history.data, ALL, limit=4, offset=offset) for offset in range(0, len(whole), 4)]
    assert [run["run_id"] for page in pages for run in page.runs] == whole
    assert {page.found for page in pages} == {len(whole)}


def test_tries_are_found_by_their_dag_run(mpox: Followed) -> None:
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


class TestDuringALoad:
    @dataclass
    class RunningLoad:
        """A load whose download does not end before it is released."""

        load: threading.Thread
        let_go: threading.Event

        def __call__(self) -> bool:
            """Whether it is still running."""
            return self.load.is_alive()

    @pytest.fixture
    def running_load(self, mpox: Followed) -> Iterator[RunningLoad]:
        mpox.show("PX99", 3)
        whole = mpox.ncbi.next_answer  # the package that the world makes
        let_go = threading.Event()

        def held(request):
            body = bytes(whole(request).body)
            return Answer(body=HeldBody([body[:100], body[100:200]], body[200:], let_go))

        mpox.ncbi.next_answer = held
        running_load = self.RunningLoad(threading.Thread(target=mpox.run), let_go)
        running_load.load.start()
        yield running_load
        let_go.set()
        running_load.load.join()
        del mpox.ncbi.next_answer

    def test_running_load_is_shown_at_once_and_published_data_stays(
        self, mpox: Followed, running_load: RunningLoad
    ) -> None:
        seen: list[tuple[str, str]] = []
        while running_load():
            shown = card(mpox)
            assert shown.published
            assert shown.published["records"] == 40
            (before, *now) = list_runs(mpox.data, ALL, limit=9).runs[::-1]
            assert before["status"] == "success"
            seen += [(run["status"], run["stage"]) for run in now]
            if ("running", "download") in seen:
                running_load.let_go.set()
        assert ("running", "download") in seen
        assert list(dict.fromkeys(status for status, _ in seen)) in (["running"], ["running", "success"])
        shown = card(mpox)
        assert shown.last_run
        assert (shown.last_run["status"], shown.last_run["inserted"]) == ("success", 1)

    def test_pages_hold_neither_the_warehouse_nor_the_snapshot(self, mpox: Followed, running_load: RunningLoad) -> None:
        looks = 0
        while running_load():
            with duckdb.connect(mpox.data.snapshot, read_only=True):
                card(mpox)
            looks += 1
            if looks == 5:
                running_load.let_go.set()
        assert looks >= 5
        published(mpox)
        shown = card(mpox)
        assert shown.published
        assert shown.published["records"] == 41

    @pytest.mark.parametrize("looks", [10, pytest.param(60, marks=pytest.mark.long)])
    def test_files_deleted_while_they_are_read_are_no_error(self, mpox: Followed, looks: int) -> None:
        stopped = threading.Event()

        def come_and_go() -> None:
            while not stopped.is_set():
                file = RunFile(mpox.data.runs, "20260101T000000Z-mpox-abcdef")
                file.write(source="mpox", mode="full", status="failed", started_at="2026-01-01T00:00:00+00:00")
                file.path.unlink()

        coming = threading.Thread(target=come_and_go)
        coming.start()
        try:
            for _ in range(looks):
                assert list_runs(mpox.data, ALL, limit=9).found in (1, 2)
        finally:
            stopped.set()
            coming.join()
