"""The filters of a source change: excluded records end, and other missing records trigger the mass-loss limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support import packages
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.tiers import some_of
from tests.support.warehouses import MPOX_ORGANISM, line, lineage, made_data, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.windows import WindowRequest

pytestmark = pytest.mark.usefixtures("small_loads")

HUMAN = {
    "taxId": 9606,
    "organismName": "Homo sapiens",
    "commonName": "human",
    "lineage": lineage((40674, "Mammalia"), (9606, "Homo sapiens")),
}
MOUSE = {
    "taxId": 10090,
    "organismName": "Mus musculus",
    "lineage": lineage((40674, "Mammalia"), (10090, "Mus musculus")),
}


def source(**asked: Any) -> Source:
    return Source(name="mpox", request=VirusGenomeRequest(taxon="10244", **asked))


def record(number: int, host: dict[str, Any] | None = HUMAN, **fields: Any) -> str:
    return line(f"PX{number:03d}.1", virus=MPOX_ORGANISM, **({"host": host} if host else {}), **fields)


class Site:
    """A source whose request changes, and the records that NCBI shows for it."""

    def __init__(self, data: DataFolder) -> None:
        self.data = data

    def run(self, asked: Source, lines: list[str], mode: str | None = None) -> IngestResult:
        with self.ncbi(lines) as url, DatasetsClient(url, attempts=1) as client:
            warehouse = Warehouse(self.data.warehouse)
            return ingest(asked, client=client, warehouse=warehouse, data=self.data, wish=WindowRequest(mode))

    @contextmanager
    def ncbi(self, lines: list[str]) -> Iterator[str]:
        with ScriptedServer(Answer(body=packages.package(lines))) as server:
            yield server.url

    def held(self) -> int:
        return int(query(self.data.warehouse, "SELECT count(*) FROM virus_genome")[0][0])

    def ended(self) -> dict[str, int]:
        return dict(query(self.data.warehouse, "SELECT ended_by, count(*) FROM virus_genome_history GROUP BY ALL"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(made_data(tmp_path / "data"))


@pytest.mark.parametrize("asked", [{"use_psg": True}, {"aux_report": ["ANNOTATION"]}], ids=str)
def test_options_that_select_no_records_keep_the_mass_loss_limit(site: Site, asked: dict[str, Any]) -> None:
    everything = [record(number) for number in range(30)]
    site.run(source(), everything)
    with pytest.raises(GateError, match=r"lacks 25 of the 30"):
        site.run(source(**asked), everything[:5], mode="full")
    assert (site.held(), site.ended()) == (30, {})


def test_added_report_forces_a_full_load_and_a_switch_does_not(site: Site) -> None:
    everything = [record(number) for number in range(3)]
    site.run(source(), everything)
    assert site.run(source(use_psg=True), everything).mode == "incremental"
    assert site.run(source(aux_report=["BIOSAMPLE_REPORT"]), everything).mode == "full"
    assert site.run(source(aux_report=["BIOSAMPLE_REPORT"]), everything).mode == "incremental"
    assert site.run(source(), everything).mode == "full", "records loaded meanwhile lack that report"


FILTERS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "host by name": ({"host": "human"}, [record(n) for n in range(30)], [record(n, MOUSE) for n in range(30, 60)]),
    "host by tax id": ({"host": "9606"}, [record(n) for n in range(30)], [record(n, None) for n in range(30, 60)]),
    "place": (
        {"geo_location": "Ghana"},
        [record(n, location={"geographicLocation": "Ghana: Accra"}) for n in range(30)],
        [record(n, location={"geographicLocation": "Guinea"}) for n in range(30, 60)],
    ),
    "released since": (
        {"released_since": date(2025, 3, 1)},
        [record(n, releaseDate="2025-04-01T00:00:00Z") for n in range(30)],
        [record(n, releaseDate="2025-02-01T00:00:00Z") for n in range(30, 60)],
    ),
    "complete": (
        {"complete_only": True},
        [record(n, completeness="COMPLETE") for n in range(30)],
        [record(n, completeness="PARTIAL") for n in range(30, 60)],
    ),
    "RefSeq": (
        {"refseq_only": True},
        [record(n, sourceDatabase="RefSeq") for n in range(30)],
        [record(n, sourceDatabase="GenBank") for n in range(30, 60)],
    ),
}


@pytest.mark.parametrize("name", some_of(FILTERS, one_in=6))
def test_new_filter_ends_only_records_that_it_excludes(site: Site, name: str) -> None:
    asked, shown, others = FILTERS[name]
    site.run(source(), [*shown, *others])
    with pytest.raises(GateError, match=r"lacks 25 of the 30"):
        site.run(source(**asked), shown[:5])
    assert (site.held(), site.ended()) == (60, {})
    result = site.run(source(**asked), shown[:29])
    assert (result.mode, site.held(), site.ended()) == ("full", 30, {"filter": 30})
    rebuilt = rebuild(site.data, from_oldest=True)
    assert rebuilt.differences == []
    columns = "SELECT * EXCLUDE (run_id, valid_from) FROM virus_genome ORDER BY accession"
    assert query(rebuilt.path, columns) == query(site.data.warehouse, columns)


def test_filter_that_ncbi_reads_differently_is_stopped_by_mass_loss_limit(site: Site) -> None:
    """The host's name is in neither the records nor their taxonomy."""
    everything = [record(number) for number in range(30)]
    site.run(source(), everything)
    with pytest.raises(GateError, match=r"lacks 25 of the 30"):
        site.run(source(host="Homo sapiens neanderthalensis"), everything[:5])


def test_changed_taxon_ends_all_records(site: Site) -> None:
    dengue = {
        "taxId": 12637,
        "organismName": "dengue virus",
        "lineage": lineage((10239, "Viruses"), (12637, "dengue virus")),
    }
    site.run(source(), [record(number) for number in range(30)])
    other = Source(name="mpox", request=VirusGenomeRequest(taxon="12637"))
    site.run(other, [line(f"PY{number}.1", virus=dengue) for number in range(5)])
    assert (site.held(), site.ended()) == (5, {"filter": 30})


def test_alternating_filters_log_a_warning(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """This happens when two checkouts use one source name with different filters in one data folder."""
    everything = [record(number) for number in range(3)]
    for asked, is_back in ((source(), False), (source(host="human"), False), (source(), True), (source(), False)):
        caplog.clear()
        site.run(asked, everything)
        assert ("two checkouts with different filters" in caplog.text) == is_back
