"""The console in a browser: an answer taken as FASTA, on a snapshot with sequences."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import expect

from tests.integration.test_sequences import fasta, letters, package
from tests.support.browser import accessibility_faults
from tests.support.genuine import site_in
from tests.support.stage import SLOW, Stage
from tests.support.waiting import until
from virus_warehouse.pages.app import URL_PREFIX, create_app

pytestmark = pytest.mark.browser

SQL = "SQL, one query on the published snapshot"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The pages of a snapshot with two records, one of them with a sequence."""
    site = site_in(tmp_path)
    content = package({"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("PX1_1")))
    site.run("mpox", content, sequences=("GENOME",))
    site.publish()
    monkeypatch.setenv("VIRUS_DATA", str(site.data.root))
    airflow = FastAPI()
    airflow.mount(URL_PREFIX, create_app(user=lambda: SimpleNamespace(get_id=lambda: "ann"), dag_states=dict))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(airflow, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started, SLOW / 1000)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}{URL_PREFIX}"
        finally:
            server.should_exit = True
            thread.join()


def test_answer_is_taken_as_fasta_and_the_page_names_what_is_missing(stage: Stage, url: str) -> None:
    with stage.browser.new_context() as context:
        context.set_default_timeout(SLOW)
        page = context.new_page()
        page.goto(f"{url}/console")
        editor, taken = page.get_by_label(SQL), page.get_by_role("button", name="Download FASTA")
        expect(taken).to_be_hidden()
        editor.fill("SELECT accession FROM virus_genome")
        editor.press("Control+Enter")
        with page.expect_download() as download:
            taken.click()
        assert download.value.suggested_filename.endswith(".fasta")
        written = Path(download.value.path()).read_text(encoding="utf-8")
        assert written.replace("\n", "") == f">PX1.1 Some virus{letters('PX1_1')}"
        said = "1 sequence downloaded. 1 record without a genome sequence: PX2."
        expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
        assert accessibility_faults(page, within=".asking") == []

        editor.fill("SELECT 'PX2' AS accession")
        taken.click()
        expect(page.get_by_role("alert")).to_contain_text("no selected record has a genome sequence: PX2")
        expect(taken).to_be_visible()
        editor.fill("SELECT 1 AS one")
        editor.press("Control+Enter")
        expect(taken).to_be_hidden()
