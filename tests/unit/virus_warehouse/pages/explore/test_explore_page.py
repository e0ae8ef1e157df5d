"""Plots as served: selected by the URL, each with its numbers, its SQL and a link to the Console."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from fastapi.testclient import TestClient

from tests.support.pages import text_of
from tests.support.snapshots import snapshot_of
from tests.support.warehouses import Store, line
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.explore import page
from virus_warehouse.pages.explore.drawing import NotDrawn
from virus_warehouse.pages.explore.plots import PLOTS

pytestmark = pytest.mark.usefixtures("slow_drawer")

TODAY = datetime.now(UTC).date()
RECENT = (TODAY - timedelta(days=60)).isoformat()
OLD = "2019-03-06"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two records of this year from Ghana and Togo, and one of 2019 whose host name is a script."""
    store = Store(tmp_path_factory.mktemp("store"))
    fields = {"isolate": {"collectionDate": RECENT}, "releaseDate": f"{TODAY}T00:00:00Z"}
    store.load(
        line("PX1.1", location={"geographicLocation": "Ghana"}, **fields),
        line("PX2.1", location={"geographicLocation": "Togo"}, **fields),
        line("PX3.1", isolate={"collectionDate": OLD}, host={"taxId": 1, "organismName": SCRIPT}),
    )
    return snapshot_of(store)


@pytest.fixture
def records(data: DataFolder, snapshot: Path) -> DataFolder:
    """A data folder with these records published."""
    shutil.copy(snapshot, data.snapshot)
    return data


def test_first_visit_shows_where_to_begin(client: TestClient) -> None:
    answer = client.get("/explore")
    assert answer.status_code == 200
    assert "Nothing has been published yet" in text_of(answer.text)
    assert 'href="/virus-warehouse/"' in answer.text


@pytest.mark.slow
def test_every_plot_is_listed_at_once_and_drawn_on_request(client: TestClient, records: DataFolder) -> None:
    answer = client.get("/explore")
    assert answer.status_code == 200
    assert re.findall(r'<h2 id="title-(\w+)">', answer.text) == [plot.name for plot in PLOTS]
    assert "<svg" not in answer.text
    for plot in PLOTS:
        [url] = re.findall(rf'data-plot="(/virus-warehouse/explore/{plot.name}\?[^"]*)"', answer.text)
        drawn = client.get(unescape(url).removeprefix("/virus-warehouse"))
        assert drawn.status_code == 200
        assert ("<svg" in drawn.text) == (plot.name != "lineage_shares"), "there are no SARS-CoV-2 records"


def test_default_period_is_at_most_one_year(client: TestClient, records: DataFolder) -> None:
    text = text_of(client.get("/explore/places").text)
    assert "2 records: Ghana 50%, Togo 50%." in text
    everything = text_of(client.get("/explore/places?since=").text)
    assert "3 records: Ghana 33%, Togo 33%." in everything


def test_filters_are_in_the_form_in_every_link_and_in_the_sql(client: TestClient, records: DataFolder) -> None:
    chosen = {"virus": "10240", "country": "Togo", "since": "2019-01-01", "until": "2030-12-31"}
    text = unescape(client.get("/explore", params=chosen).text)
    assert re.findall(r'<option value="([^"]*)" selected>([^<]*)', text) == [("10240", "Poxviridae"), ("Togo", "Togo")]
    assert re.findall(r'type="date" name="\w+"(?: data-choice)? value="([^"]*)"', text) == ["2019-01-01", "2030-12-31"]
    links = re.findall(r'href="/virus-warehouse/explore/\w+\?([^"]*)"', text)
    assert len(links) == len(PLOTS) * 2  # with and without a script
    assert all({name: value[0] for name, value in parse_qs(link).items()} == chosen for link in links)
    [sql] = re.findall(r'<details id="sql-places">.*?<pre[^>]*>(.*?)</pre>', text, flags=re.DOTALL)
    assert "country = 'Togo'" in sql
    assert "DATE '2030-12-31'" in sql


def test_console_link_contains_the_shown_query(client: TestClient, records: DataFolder) -> None:
    text = client.get("/explore/places", params={"country": "Togo", "since": ""}).text
    [link] = re.findall(r'href="(/virus-warehouse/console\?[^"]*)"', text)
    [sql] = parse_qs(urlsplit(link).query)["sql"]
    with duckdb.connect(records.snapshot, read_only=True) as prompt:
        assert prompt.sql(sql).fetchall() == [("Togo", 1, 100.0, 1, 1)]


def test_data_are_escaped(client: TestClient, records: DataFolder) -> None:
    text = client.get("/explore/top_hosts?since=").text
    assert SCRIPT not in text
    assert SCRIPT in text_of(text)


def test_chart_is_drawn_in_the_requested_width(client: TestClient, records: DataFolder) -> None:
    for width in (360, 1100):
        assert re.search(rf'<svg [^>]*width="{width}"', client.get(f"/explore/places?width={width}").text)
    assert client.get("/explore/places?width=1000000000").status_code == 200


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("virus=pox", "virus must be an NCBI Taxonomy ID such as 10244, not 'pox'"),
        ("since=yesterday", "since must be a day such as 2026-01-31, not 'yesterday'"),
        ("until=2026-02-30", "until must be a day"),
        ("since=2026-02-01&until=2026-01-01", "ends on 2026-01-01, before it begins"),
    ],
)
def test_invalid_filter_is_reported(client: TestClient, records: DataFolder, query: str, message: str) -> None:
    answer = client.get(f"/explore?{query}")
    assert answer.status_code == 400
    assert message in text_of(answer.text)


def test_unknown_plot_is_not_found(client: TestClient, records: DataFolder) -> None:
    answer = client.get("/explore/pie")
    assert answer.status_code == 404
    assert "There is no plot pie" in text_of(answer.text)


def test_empty_plot_says_so_and_suggests_wider_filters(client: TestClient, records: DataFolder) -> None:
    answer = client.get("/explore/places?country=Fiji")
    assert answer.status_code == 200
    assert "No matching records in this period" in text_of(answer.text)
    assert 'href="/virus-warehouse/explore?since="' in answer.text
    assert "Open in the Console" in text_of(answer.text)


def test_drawing_error_is_shown_with_the_sql(
    client: TestClient, records: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: object) -> str:
        raise NotDrawn("drawing took longer than 10 seconds: choose a shorter period")

    monkeypatch.setattr(page.charts, "svg", late)
    answer = client.get("/explore/places")
    assert answer.status_code == 503
    assert "No chart: drawing took longer than 10 seconds: choose a shorter period." in text_of(answer.text)
    assert "FROM mart.weekly_count" in text_of(answer.text)
