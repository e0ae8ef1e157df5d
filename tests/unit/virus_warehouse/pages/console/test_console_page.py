"""The console over HTTP, as used by a browser or a program, with a real sandbox on a real snapshot."""

import asyncio
import csv
import html
import io
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import duckdb
import pytest
import requests
import uvicorn
from fastapi.testclient import TestClient
from httpx import Response

from tests.support.pages import text_of
from tests.support.sandboxes import sandboxes
from tests.support.snapshots import publish_unchecked
from tests.support.tiers import some_of
from tests.support.waiting import until
from tests.support.warehouses import Store, line
from virus_warehouse import cookbook
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages import host
from virus_warehouse.pages.app import create_app
from virus_warehouse.pages.console import page as console
from virus_warehouse.pages.explore.plots import PLOTS, Filters, Plot, ask, plot_sql

PATIENCE = 200
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    store = Store(tmp_path_factory.mktemp("published"))
    store.load(line("PX1.1", length=900), line("PX2.1", length=1100))
    return publish_unchecked(store)


@pytest.fixture
def data(published: DataFolder, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.setenv("VIRUS_DATA", str(published.root))
    # A busy machine may stall for longer than a query may take.
    monkeypatch.setattr(console, "LIMITS", replace(console.LIMITS, seconds=PATIENCE))
    return published


def app_for(person: str = "ann"):
    return create_app(user=lambda: SimpleNamespace(get_id=lambda: person), dag_states=dict)


@pytest.fixture
def client(data: DataFolder) -> Iterator[TestClient]:
    with TestClient(app_for()) as client:
        yield client


def run(client: TestClient, sql: str, form: str = "table", **headers: str) -> Response:
    return client.post("/console", data={"sql": sql, "form": form}, headers=headers)


class TestPage:
    def test_a_link_shows_its_query_and_does_not_run_it(self, client: TestClient) -> None:
        sql = "SELECT '</textarea><script>alert(1)</script>' AS \"a&b\""
        page = client.get(f"/console?sql={quote(sql)}")
        assert page.status_code == 200
        (shown,) = re.findall(r"<textarea[^>]*>\n(.*)</textarea>", page.text, re.DOTALL)
        assert html.unescape(shown) == sql
        assert "<script>alert" not in page.text
        assert "<td" not in page.text

    def test_limits_are_shown(self, client: TestClient) -> None:
        said = text_of(client.get("/console").text)
        assert "512 MB of memory" in said
        assert "200 MB in a file" in said

    @pytest.mark.parametrize(("version", "said"), [(0, True), (1, False)])
    def test_missing_landlock_is_shown(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch, version: int, said: bool
    ) -> None:
        monkeypatch.setattr(console, "landlock_version", lambda: version)
        assert ("this kernel has no Landlock" in client.get("/console").text) == said

    def test_tables_and_columns_with_their_comments(self, client: TestClient, data: DataFolder) -> None:
        page = client.get("/console")
        said = text_of(page.text)
        with duckdb.connect(data.snapshot, read_only=True) as snapshot:
            comments = snapshot.execute("SELECT comment FROM duckdb_columns() WHERE NOT internal").fetchall()
        assert len(comments) > 100
        for (comment,) in comments:
            assert " ".join((comment or "").replace("`", " ").split()) in re.sub(r"\s+", " ", said.replace("`", " "))
        assert "virus_genome_as_of(" in said

    def test_a_recipe_is_opened_with_its_explanation(self, client: TestClient) -> None:
        recipe = cookbook.recipes()[1]
        page = client.get(f"/console?recipe={recipe.name}")
        assert recipe.question in text_of(page.text)
        (shown,) = re.findall(r"<textarea[^>]*>\n(.*)</textarea>", page.text, re.DOTALL)
        assert html.unescape(shown) == recipe.sql

    @pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
    def test_explore_queries_can_be_run_here(self, client: TestClient, data: DataFolder, plot: Plot) -> None:
        sql = plot_sql(plot, Filters())
        answer = run(client, sql, "csv")
        assert answer.status_code == 200, answer.text
        columns, *rows = csv.reader(io.StringIO(answer.text))
        asked = ask(data, sql)
        assert (columns, len(rows)) == (list(asked.columns), len(asked.rows))

    def test_every_recipe_is_offered(self, client: TestClient) -> None:
        links = re.findall(r"console\?recipe=(\w+)", client.get("/console").text)
        assert links == [recipe.name for recipe in cookbook.recipes()]

    def test_before_anything_is_published(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
        with TestClient(app_for()) as client:
            assert "Nothing has been published yet" in client.get("/console").text
            assert run(client, "SELECT 1").status_code == 404

    def test_tables_of_a_newly_published_snapshot(
        self, published: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = DataFolder(tmp_path)
        data.create()
        monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
        with TestClient(app_for()) as client:
            for table in ("one", "another"):
                new = tmp_path / f"{table}.duckdb"
                new.write_bytes(published.snapshot.read_bytes())
                with duckdb.connect(new) as connection:
                    connection.execute(f"CREATE TABLE {table} (word VARCHAR)")
                new.replace(data.snapshot)
                assert f"<code>{table}</code>" in client.get("/console").text
            assert "<code>one</code>" not in client.get("/console").text


@pytest.mark.slow
@pytest.mark.parametrize("recipe", some_of(cookbook.recipes(), one_in=6), ids=lambda recipe: recipe.name)
def test_recipes_can_be_run_here(data: DataFolder, recipe: cookbook.Recipe) -> None:
    asked = console.Console(data, console.LIMITS).table(recipe.sql)
    if "read_csv" in recipe.sql:
        with pytest.raises(console.QueryFailed, match="disabled by configuration"):
            asyncio.run(asked)
    else:
        asyncio.run(asked)


class TestAnswers:
    def test_answer_as_a_table(self, client: TestClient) -> None:
        answer = run(client, "SELECT accession, length, NULL AS nothing FROM virus_genome ORDER BY length")
        assert answer.status_code == 200
        rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", answer.text)]
        assert [row for row in rows if row] == [
            ["PX1", "900", '<span class="quiet">NULL</span>'],
            ["PX2", "1100", '<span class="quiet">NULL</span>'],
        ]
        assert '<td class="amount">900' in answer.text
        assert "2 rows, in" in text_of(answer.text)

    def test_values_are_escaped(self, client: TestClient) -> None:
        answer = run(client, "SELECT '<img src=x onerror=alert(1)>' AS \"<b>\"")
        assert "<img" not in answer.text
        assert "<b>" not in answer.text

    def test_number_of_rows_not_shown_is_reported(self, client: TestClient) -> None:
        answer = run(client, "FROM range(5000)")
        assert "The first 1 000 rows; download a file for all rows" in text_of(answer.text)
        assert answer.text.count("<tr>") == 1001

    def test_error_has_its_position(self, client: TestClient) -> None:
        answer = run(client, "SELECT 'é',\r\n  lenght\r\nFROM virus_genome")
        assert answer.status_code == 400
        assert "Binder, line 2, column 3" in text_of(answer.text)
        assert '<pre class="fault">  lenght\n  <span aria-hidden="true">^</span></pre>' in answer.text
        assert 'data-line="2" data-column="3"' in answer.text
        assert "length" in text_of(answer.text).split("Binder, line 2")[1]

    def test_error_position_far_into_a_line(self, client: TestClient) -> None:
        answer = run(client, f"SELECT {'1 + ' * 100}nope")
        (excerpt,) = re.findall(r'<pre class="fault">(.*?)</pre>', answer.text, re.DOTALL)
        line_shown, caret = excerpt.split("\n")
        assert line_shown[caret.index("<") :].startswith("nope")

    def test_answer_as_csv(self, client: TestClient) -> None:
        answer = run(client, "FROM range(5000) SELECT range AS n, 'a;\"b\",é' AS t", "csv")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert re.fullmatch(r'attachment; filename="virus-\d{8}-\d{6}\.csv"', answer.headers["content-disposition"])
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert rows[0] == ["n", "t"]
        assert rows[5000] == ["4999", 'a;"b",é']

    def test_answer_as_parquet(self, client: TestClient, tmp_path: Path) -> None:
        answer = run(client, "SELECT accession, bioprojects FROM virus_genome ORDER BY ALL", "parquet")
        (tmp_path / "answer.parquet").write_bytes(answer.content)
        with duckdb.connect() as connection:
            found = connection.execute(f"FROM '{tmp_path}/answer.parquet'")
            assert [column[0] for column in found.description] == ["accession", "bioprojects"]
            assert [row[0] for row in found.fetchall()] == ["PX1", "PX2"]

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_failed_export_is_an_error_and_not_a_partial_file(self, client: TestClient, form: str) -> None:
        answer = run(client, "SELECT error('half way') FROM range(5000) WHERE range = 4000", form)
        assert answer.status_code == 400
        assert "half way" in text_of(answer.text)

    def test_nothing_is_left_in_the_data_folder(self, client: TestClient, data: DataFolder) -> None:
        before = sorted(data.root.rglob("*"))
        assert len(run(client, "FROM range(800_000)", "csv").content) > 1 << 22
        assert sorted(data.root.rglob("*")) == before

    @pytest.mark.slow
    def test_too_long_query_is_refused(self, client: TestClient) -> None:
        assert run(client, "-" * (console.SQL_CHARACTERS + 1)).status_code == 413
        assert run(client, "é" * 1_000_000).status_code == 413
        many = client.post("/console", content="a=1&" * 100_000, headers={"Content-Type": FORM})
        assert many.status_code == 413
        assert "this text has no query" in text_of(run(client, "-" * console.SQL_CHARACTERS).text)


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://elsewhere.example"},
            {"Origin": "null"},
        ],
    )
    def test_they_cannot_run_queries(self, client: TestClient, headers: dict[str, str]) -> None:
        answer = run(client, "SELECT 'ran' || '!'", **headers)
        assert answer.status_code == 403
        assert "ran!" not in answer.text

    @pytest.mark.parametrize(
        "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {}], ids=str
    )
    def test_own_pages_and_programs_can_run_queries(self, client: TestClient, headers: dict[str, str]) -> None:
        assert "ran!" in run(client, "SELECT 'ran' || '!'", **headers).text


class Server:
    """The pages behind a real server, from which a client can disconnect."""

    def __init__(self, app, loop: str) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/console"
        self.server = uvicorn.Server(uvicorn.Config(app, loop=loop, log_level="warning"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})

    def __enter__(self) -> "Server":
        self.thread.start()
        until(lambda: self.server.started, PATIENCE)
        return self

    def __exit__(self, *error: object) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()


LOOPS = ["asyncio", "uvloop"]
on_every_loop = pytest.mark.parametrize("server", LOOPS, indirect=True)
on_one_loop = pytest.mark.parametrize("server", some_of(LOOPS, one_in=2, first=1), indirect=True)
"""Airflow's API server uses uvloop where it is installed. Only the disconnect is recognized by the loop."""


@pytest.fixture
def server(data: DataFolder, request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    app = app_for()
    users = iter(range(1000))
    app.dependency_overrides[host.user] = lambda: SimpleNamespace(get_id=lambda: str(next(users)))
    with Server(app, request.param) as server:
        yield server


SLEEP = {"sql": "SELECT sleep_ms(1000000)", "form": "table"}


@pytest.mark.slow
@on_every_loop
@pytest.mark.parametrize("form", some_of(["table", "csv"], one_in=4))
def test_disconnect_stops_the_query(server: Server, form: str) -> None:
    with pytest.raises(requests.ReadTimeout):
        requests.post(server.url, data={**SLEEP, "form": form}, timeout=(PATIENCE, 1.5))
    until(lambda: not sandboxes(), PATIENCE)
    answer = requests.post(server.url, data={"sql": "SELECT 'next' || '!'"}, timeout=PATIENCE)
    assert "next!" in answer.text


@pytest.mark.slow
@on_one_loop
def test_the_server_answers_others_while_queries_run_and_more_wait(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.QUERIES, "patience", 1)
    statuses: list[int] = []

    def sleep() -> None:
        statuses.append(requests.post(server.url, data=SLEEP, timeout=PATIENCE).status_code)

    many = [threading.Thread(target=sleep) for _ in range(40)]
    for one in many:
        one.start()
    until(lambda: len(sandboxes()) == 2, PATIENCE)
    assert requests.get(server.url, timeout=PATIENCE).status_code == 200

    def the_others_are_refused() -> bool:
        assert len(sandboxes()) <= 2
        return len(statuses) == 40 - 2

    until(the_others_are_refused, PATIENCE)
    assert set(statuses) == {429}
    for sandbox in sandboxes():
        sandbox.kill()
    for one in many:
        one.join()
    assert statuses[-2:] == [400, 400], "both queries ran until they were stopped"
    until(lambda: console.QUERIES._taken.total() == 0, PATIENCE)


@pytest.mark.slow
@on_one_loop
def test_slow_reader_does_not_occupy_a_query_slot(server: Server) -> None:
    """A file that is not fetched waits on disk while other users' queries continue."""
    slow = [
        requests.post(server.url, data={"sql": "FROM range(1_500_000)", "form": "csv"}, stream=True, timeout=PATIENCE)
        for _ in range(3)
    ]
    assert [answer.status_code for answer in slow] == [200] * 3
    assert sandboxes() == []
    assert "next!" in requests.post(server.url, data={"sql": "SELECT 'next' || '!'"}, timeout=PATIENCE).text
    assert console.FILES._taken.total() == 3
    for answer in slow:
        answer.close()
    until(lambda: console.FILES._taken.total() == 0, PATIENCE)


@pytest.mark.slow
@on_one_loop
def test_file_waits_for_its_reader_only_for_a_limited_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "SEND_SECONDS", 1)
    query = {"sql": "FROM range(1_500_000)", "form": "csv"}
    with requests.post(server.url, data=query, stream=True, timeout=PATIENCE) as answer:
        assert answer.status_code == 200
        until(lambda: console.FILES._taken.total() == 0, PATIENCE)
        with pytest.raises(requests.RequestException):
            answer.content  # noqa: B018
