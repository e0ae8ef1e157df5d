"""The console on the sequences of a snapshot: queries on their letters, and answers taken as FASTA."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from tests.integration.test_fasta import entries
from tests.integration.test_sequences import fasta, letters, package
from tests.support.genuine import Site, site_in
from tests.support.pages import text_of
from tests.support.sandboxes import sandboxes
from virus_warehouse.pages.app import create_app
from virus_warehouse.pages.console import page as console
from virus_warehouse.sandbox.runner import STOPPED, Console, FastaNotes, QueryFailed, QueryLimits

PATIENCE = 200
MANY = 60
ALL = "SELECT accession FROM virus_genome ORDER BY accession"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with many records, the last without a sequence."""
    site = site_in(tmp_path_factory.mktemp("console"))
    names = [f"PX{number + 100}_1" for number in range(MANY)]
    for some in (names[:20], names[20:]):
        genomes = fasta(**{name: letters(name) for name in some if name != names[-1]})
        content = package(dict.fromkeys(some, 300), genomes)
        site.run("mpox", content, sequences=("GENOME",))
    site.publish()
    return site


def answered(site: Site, sql: str, molecule: str = "genome", **limits: object) -> tuple[str, FastaNotes]:
    limited = QueryLimits(**{"seconds": PATIENCE, **limits})  # type: ignore[arg-type]
    file, notes = asyncio.run(Console(site.data, limited).fasta(sql, molecule))
    with file:
        return file.read().decode(), notes


def failure(site: Site, sql: str, **limits: object) -> tuple[str, str]:
    with pytest.raises(QueryFailed) as failed:
        answered(site, sql, **limits)
    assert sandboxes() == []
    assert list(site.data.temporary.iterdir()) == []
    return failed.value.kind, str(failed.value)


class TestSandbox:
    def test_letters_of_virus_sequence_are_read(self, site: Site) -> None:
        sql = "SELECT sequence FROM virus_sequence WHERE accession_version IN ('PX100.1', 'PX130.1') ORDER BY ALL"
        table = asyncio.run(Console(site.data, QueryLimits(seconds=PATIENCE)).table(sql))
        assert table.rows == [[text] for text in sorted([letters("PX100_1"), letters("PX130_1")])]

    def test_order_of_the_query_is_kept_and_records_without_a_sequence_are_named(self, site: Site) -> None:
        text, notes = answered(site, f"{ALL} DESC; -- the newest first")
        assert entries(text) == [
            (f"PX{number}.1 Some virus", letters(f"PX{number}_1")) for number in reversed(range(100, 100 + MANY - 1))
        ]
        assert notes == FastaNotes(written=MANY - 1, missing=1, named=["PX159"])

    def test_many_missing_records_are_counted_and_the_first_are_named(self, site: Site) -> None:
        names = "'" + "x" * 1000 + "' || range"
        _, notes = answered(site, f"SELECT 'PX100' AS accession UNION ALL SELECT {names} FROM range(30000)")
        assert (notes.written, notes.missing, len(notes.named)) == (1, 30000, 20)
        assert {len(name) for name in notes.named} == {100}

    @pytest.mark.parametrize(
        ("sql", "message"),
        [
            ("SELECT country FROM virus_genome", "no column accession or accession_version; it has country"),
            ("PIVOT virus_genome ON country USING count(*) GROUP BY accession", "the query is not one SELECT"),
            ("EXPLAIN SELECT accession FROM virus_genome", "a plan has no sequences"),
            ("SELECT 'PX159' AS accession", "no selected record has a genome sequence: PX159"),
            ("SELECT accession FROM virus_genome LIMIT 0", "the query selects no records"),
            ("COPY virus_genome TO 'x.csv'", "nothing that writes"),
            ("SELECT 'PX100' AS accession; SELECT 1", "one query at a time"),
            ("SELECT accession FROM read_csv('/etc/passwd')", "disabled by configuration"),
        ],
    )
    def test_what_cannot_be_written_is_explained(self, site: Site, sql: str, message: str) -> None:
        kind, said = failure(site, sql)
        assert message in said
        assert kind in ("Refused", "Permission")

    def test_other_molecule(self, site: Site) -> None:
        with pytest.raises(QueryFailed, match="no selected record has a cds sequence: PX100, PX101"):
            answered(site, ALL, "cds")
        with pytest.raises(QueryFailed, match="the molecule is 'rna'; it can be genome, cds, protein"):
            answered(site, ALL, "rna")

    def test_error_while_the_query_runs_has_no_false_position(self, site: Site) -> None:
        with pytest.raises(QueryFailed, match="Could not convert string") as failed:
            answered(site, "SELECT accession FROM virus_genome WHERE accession::INTEGER = 7")
        assert (failed.value.kind, failed.value.line) == ("Conversion", None)


class TestLimits:
    @pytest.mark.parametrize("bytes_allowed", [5000, 300 * (MANY - 1)])
    def test_too_many_letters_are_stopped(self, site: Site, bytes_allowed: int) -> None:
        """In the process, as they are read, or, with their headers, as they are written."""
        assert failure(site, ALL, file_bytes=bytes_allowed) == (
            STOPPED,
            f"the result is larger than {bytes_allowed / 1e6:g} MB: narrow the query, or use `virus-warehouse fasta`",
        )

    def test_time_is_limited(self, site: Site) -> None:
        slow = "SELECT accession FROM virus_genome WHERE accession > (SELECT sleep_ms(100000)::VARCHAR)"
        assert failure(site, slow, seconds=2) == (
            STOPPED,
            "stopped after 2 seconds: narrow the query, or use `virus-warehouse fasta`",
        )

    def test_memory_is_limited(self, site: Site) -> None:
        sql = "SELECT repeat('x', 100) || range AS accession FROM range(10_000_000)"
        kind, _ = failure(site, sql, memory="128MB")
        assert kind in ("Out of Memory", STOPPED)


class TestPage:
    @pytest.fixture
    def client(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
        monkeypatch.setenv("VIRUS_DATA", str(site.data.root))
        monkeypatch.setattr(console, "LIMITS", replace(console.LIMITS, seconds=PATIENCE))
        with TestClient(create_app(user=lambda: SimpleNamespace(get_id=lambda: "ann"), dag_states=dict)) as client:
            yield client

    def run(self, client: TestClient, sql: str, form: str = "table", **fields: str) -> Response:
        return client.post("/console", data={"sql": sql, "form": form, **fields})

    def test_fasta_is_offered_for_answers_that_name_records(self, client: TestClient) -> None:
        for sql in (ALL, "SELECT accession_version, 1 AS one FROM virus_genome"):
            assert "Download FASTA" in self.run(client, sql).text
        for sql in ("SELECT country FROM virus_genome", "SELECT accession FROM nothing"):
            assert "Download FASTA" not in self.run(client, sql).text
        assert "Download FASTA" not in client.get("/console", params={"sql": ALL}).text

    def test_it_is_not_offered_without_sequences(
        self, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = site_in(tmp_path)
        other.run("mpox", package({"PX1_1": 300}, None))
        other.publish()
        monkeypatch.setenv("VIRUS_DATA", str(other.data.root))
        page = self.run(client, ALL)
        assert "1 row" in text_of(page.text)
        assert "Download FASTA" not in page.text

    def test_file_with_its_notes(self, client: TestClient) -> None:
        answer = self.run(client, "SELECT unnest(['PX100', 'PX159', 'é,\n']) AS accession", "fasta")
        assert answer.status_code == 200
        assert entries(answer.text) == [("PX100.1 Some virus", letters("PX100_1"))]
        assert answer.headers["content-type"] == "text/x-fasta; charset=utf-8"
        assert answer.headers["content-disposition"].endswith('.fasta"')
        assert answer.headers["sequences-written"] == "1"
        assert answer.headers["records-without-sequence"] == "2"
        assert answer.headers["records-without-sequence-named"] == "PX159,%C3%A9%2C%0A"

    def test_fault_is_shown_in_the_page(self, client: TestClient) -> None:
        answer = self.run(client, ALL, "fasta", molecule="cds")
        assert answer.status_code == 400
        assert "no selected record has a cds sequence" in text_of(answer.text)
