"""NCBI's limit, kept by many processes together: on one host by a file, on many by PostgreSQL."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy

from tests.support.polite_processes import PoliteProcesses
from tests.support.postgres import postgres, unavailable
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.stand_in import StandIn
from tests.support.tiers import all_long, some_of
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.ncbi.pace.in_file import InFile
from virus_warehouse.ncbi.pace.in_postgres import InPostgres
from virus_warehouse.ncbi.pace.shared import shared_pace
from virus_warehouse.ncbi.pace.store import Store
from virus_warehouse.ncbi.pace.turns import Turns
from virus_warehouse.ncbi.request import VirusGenomeRequest

KEY = "0123456789abcdef0123456789abcdef0123"
REQUEST = VirusGenomeRequest(taxon="10244")
PROCESSES = 16
VERSION = Answer(body=b'{"version": "18.39.0"}')
PATIENCE = 100.0

Environments = Callable[..., list[Mapping[str, str]]]


@pytest.fixture(scope="module")
def processes() -> PoliteProcesses:
    return PoliteProcesses()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    if reason := unavailable():
        pytest.skip(reason)
    with postgres() as url:
        yield url


FILE, POSTGRES = "a file", "PostgreSQL"


@pytest.fixture(params=[FILE, POSTGRES])
def environments(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environments:
    """Gives environments that share a limit: a data folder of one host, or a folder and a host each and a database.

    The first one is also this process's.
    """
    setting = {} if request.param == FILE else {"NCBI_DATASETS_PACE": request.getfixturevalue("database")}

    def environments(url: str, number: int = 1, **more: str) -> list[Mapping[str, str]]:
        made = []
        for host in range(number):
            folder = tmp_path / (f"host-{host}" if setting else "data")
            DataFolder(folder).create()
            made.append({"NCBI_DATASETS_URL": url, "VIRUS_DATA": str(folder), **setting, **more})
        for name, value in made[0].items():
            monkeypatch.setenv(name, value)
        return made

    return environments


# As many requests as take three seconds, and in `make test-long` eight or more.
@pytest.mark.parametrize(
    ("environments", "key", "limit", "calls"),
    [
        (FILE, {}, 5, 1),
        (POSTGRES, {"NCBI_API_KEY": KEY}, 10, 2),
        *(
            pytest.param(store, key, limit, calls, marks=pytest.mark.long)
            for store in (FILE, POSTGRES)
            for key, limit, calls in (({}, 5, 3), ({"NCBI_API_KEY": KEY}, 10, 5))
        ),
    ],
    indirect=["environments"],
)
def test_sixteen_processes_never_send_more_than_the_limit_in_any_second(
    processes: PoliteProcesses, environments: Environments, key: dict[str, str], limit: int, calls: int
) -> None:
    with StandIn() as stand_in:
        made = processes.send_requests(environments(stand_in.url, PROCESSES, **key), calls)
        at = [request.at for request in stand_in.requests]
    assert len(at) == PROCESSES * calls
    assert all(call.succeeded for of_one in made for call in of_one)
    assert [later - earlier for earlier, later in zip(at, at[limit:], strict=False) if later - earlier < 1] == []


@pytest.mark.parametrize(
    ("environments", "count", "calls", "pause", "answered"),
    [(FILE, 8, 4, 2.0, 5), *(pytest.param(store, 16, 2, 3.0, 9, marks=pytest.mark.long) for store in (FILE, POSTGRES))],
    indirect=["environments"],
)
def test_retry_after_stops_all_processes(
    processes: PoliteProcesses, environments: Environments, count: int, calls: int, pause: float, answered: int
) -> None:
    refused = Answer(429, headers={"Retry-After": f"{pause:.0f}"})
    with ScriptedServer(*[VERSION] * answered, refused, VERSION) as server:
        # On a busy machine seconds may pass before the process that is asked to wait can stop the others.
        made = processes.send_requests(environments(server.url, count), calls)
        at = [request.at for request in server.requests]
    all_calls = [call for of_one in made for call in of_one]
    (asked_to_wait,) = [call for call in all_calls if not call.succeeded]
    later = [call for call in all_calls if call.asked > asked_to_wait.answered]
    assert later
    assert all(call.answered >= at[answered] + pause for call in later)
    # Others that had their turn were under way.
    meanwhile = [moment for moment in at if asked_to_wait.answered < moment < at[answered] + pause]
    assert len(meanwhile) < 5
    assert len(at) == calls * count


def test_retry_after_of_a_download_fails_others_that_have_less_patience(
    environments: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer(Answer(503, headers={"Retry-After": "3600"})) as server:
        environments(server.url)
        with DatasetsClient.from_environment() as first, pytest.raises(DatasetsUnavailable, match="asks to wait 3600"):
            first.download(REQUEST, tmp_path / "first.zip")
        with DatasetsClient.from_environment() as second:
            for send in (lambda: second.download(REQUEST, tmp_path / "second.zip"), second.version, second.time):
                with pytest.raises(
                    DatasetsUnavailable, match=r"has asked to wait .*; so this one was not sent"
                ) as failed:
                    send()
                assert 0 < failed.value.retry_after <= 3600
                assert failed.value.attempts == 0
        assert len(server.requests) == 1
        # Another key has a limit of its own, and so has another server.
        monkeypatch.setenv("NCBI_API_KEY", KEY)
        with (
            DatasetsClient.from_environment() as with_key,
            pytest.raises(DatasetsUnavailable, match="asks to wait 3600"),
        ):
            with_key.download(REQUEST, tmp_path / "third.zip")
        assert len(server.requests) == 2
        with ScriptedServer(VERSION) as other:
            monkeypatch.setenv("NCBI_DATASETS_URL", other.url)
            with DatasetsClient.from_environment() as elsewhere:
                assert elsewhere.version() == "18.39.0"


@pytest.mark.parametrize("environments", [POSTGRES, *all_long([FILE])], indirect=True)
def test_others_go_on_after_a_process_is_killed_that_had_all_turns(
    processes: PoliteProcesses, environments: Environments
) -> None:
    with ScriptedServer(VERSION) as server:
        (environment,) = environments(server.url)
        processes.kill_one_that_has_taken_turns(environment, 5)
        with DatasetsClient.from_environment(patience=1.0) as client:
            for _ in range(5):
                client.version()


def test_lock_of_a_killed_process_is_free(processes: PoliteProcesses, tmp_path: Path, database: str) -> None:
    url = sqlalchemy.make_url(database)
    makers: list[Callable[[], Store]] = [
        partial(InFile, tmp_path, "a limit", 5),
        partial(InPostgres, url, "a limit", 5),
    ]
    for make_store in makers:
        processes.kill_one_that_holds_the_lock(make_store)
        store = make_store()
        assert store.change(lambda turns, now: turns.ask("a", now)).seconds == 0
        store.close()


class TestFile:
    @pytest.fixture
    def file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The file of the limit of a server that is never asked."""
        monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
        DataFolder(tmp_path).create()
        shared_pace("http://127.0.0.1:9", None).wait(PATIENCE)
        (file,) = (tmp_path / "pace").iterdir()
        return file

    @pytest.mark.parametrize(
        "damage", some_of([lambda text: text[:-9], lambda text: text + b"]", lambda _: b"\0" * 99], one_in=3, first=1)
    )
    def test_damaged_file_costs_a_second(self, file: Path, damage: Callable[[bytes], bytes]) -> None:
        file.write_bytes(damage(file.read_bytes()))
        damaged = time.monotonic()
        shared_pace("http://127.0.0.1:9", None).wait(PATIENCE)
        assert time.monotonic() >= damaged + 1
        assert len(Turns.model_validate_json(file.read_bytes()).slots) == 5

    def test_process_that_is_forked_during_a_change_does_not_keep_the_lock(self, tmp_path: Path) -> None:
        store = InFile(tmp_path, "a limit", 5)
        mine, its = os.pipe()

        def fork(*_: object) -> int:
            if (child := os.fork()) == 0:
                os.read(mine, 1)
                os._exit(0)
            return child

        child = store.change(fork)
        try:
            assert store.change(lambda turns, now: turns.ask("a", now)).seconds == 0
        finally:
            os.write(its, b"x")
            os.waitpid(child, 0)
            os.close(mine)
            os.close(its)

    def test_file_can_be_deleted_at_any_time(self, file: Path) -> None:
        pace = shared_pace("http://127.0.0.1:9", None)
        for _ in range(6):
            file.unlink()
            pace.wait(PATIENCE).heard()
        assert file.exists()

    def test_key_is_in_no_file(self, file: Path) -> None:
        shared_pace("http://127.0.0.1:9", KEY).wait(PATIENCE)
        others = [path for path in file.parent.iterdir() if path != file]
        assert len(others) == 1
        assert KEY not in others[0].name + others[0].read_text()

    @pytest.mark.parametrize("what", ["missing", "closed"])
    def test_unusable_folder_is_warned_of_and_the_limit_kept_by_the_process(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, what: str
    ) -> None:
        root = tmp_path / "data"
        if what == "closed":
            root.mkdir()
            (root / "pace").write_text("no folder")  # root may write into any folder
        monkeypatch.setenv("VIRUS_DATA", str(root))
        pace = shared_pace("http://127.0.0.1:9", None)
        with caplog.at_level(logging.WARNING):
            begun = time.monotonic()
            for _ in range(6):
                pace.wait(PATIENCE).heard()
        assert time.monotonic() >= begun + 1
        assert [record.getMessage().split(":")[0] for record in caplog.records] == [
            "NCBI's limit of requests cannot be shared"
        ]
        assert root.exists() == (what == "closed")


class TestDatabase:
    def test_unreachable_one_is_warned_of_without_its_password_and_the_file_is_used(
        self, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
        DataFolder(tmp_path).create()
        url = sqlalchemy.make_url(database).set(password="s3cret-word")
        for wrong in (url, url.set(port=9)):
            monkeypatch.setenv("NCBI_DATASETS_PACE", wrong.render_as_string(hide_password=False))
            shared_pace("http://127.0.0.1:9", None).wait(PATIENCE)
        assert len(caplog.records) == 2
        assert "password authentication failed" in caplog.text
        assert "Connection refused" in caplog.text
        assert "s3cret-word" not in caplog.text
        (file,) = (tmp_path / "pace").iterdir()
        assert sum(bool(slot.ticket) for slot in Turns.model_validate_json(file.read_bytes()).slots) == 2

    def test_role_that_may_only_use_the_table_can(self, database: str) -> None:
        url = sqlalchemy.make_url(database)
        store = InPostgres(url, "made by the owner", 5)
        store.change(lambda turns, now: turns.ask("a", now))
        store.close()
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            for statement in (
                "CREATE ROLE loader LOGIN PASSWORD 'a-word'",
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
                "GRANT SELECT, INSERT, UPDATE ON ncbi_pace TO loader",
            ):
                connection.execute(sqlalchemy.text(statement))
        engine.dispose()
        store = InPostgres(url.set(username="loader", password="a-word"), "another", 5)
        assert store.change(lambda turns, now: turns.ask("a", now)).seconds == 0
        store.close()
