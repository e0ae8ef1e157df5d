"""Two sources swapped by name in the sources file: each is loaded in full again, without records of the other."""

import duckdb
import pytest

from tests.support.stand_in import StandIn
from tests.support.warehouses import DENGUE, MPOX
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.warehouse.connection import Warehouse


@pytest.fixture
def run(tmp_path):
    data = DataFolder(tmp_path)
    data.create()
    with StandIn() as server, DatasetsClient(server.url) as client:
        yield lambda source: ingest(source, client=client, warehouse=Warehouse(data.warehouse), data=data)


def test_each_name_ends_with_the_records_of_its_new_filter(run, tmp_path):
    run(MPOX)
    run(DENGUE)
    before = accessions(tmp_path)
    swapped = [MPOX.model_copy(update={"request": DENGUE.request}), DENGUE.model_copy(update={"request": MPOX.request})]
    assert [run(source).mode for source in swapped] == ["full", "full"]

    assert accessions(tmp_path) == {"mpox": before["dengue"], "dengue": before["mpox"]}
    with duckdb.connect(tmp_path / "warehouse.duckdb", read_only=True) as warehouse:
        ended = warehouse.execute("SELECT source, ended_by, count(*) FROM virus_genome_history GROUP BY ALL").fetchall()
    assert sorted(ended) == [("dengue", "filter", len(before["dengue"])), ("mpox", "filter", len(before["mpox"]))]
    # From here on each source is updated incrementally with its new filter.
    assert [run(source).mode for source in swapped] == ["incremental", "incremental"]


def accessions(folder) -> dict[str, set[str]]:
    with duckdb.connect(folder / "warehouse.duckdb", read_only=True) as warehouse:
        rows = warehouse.execute("SELECT source, list(accession) FROM virus_genome GROUP BY source").fetchall()
    return {source: set(held) for source, held in rows}
