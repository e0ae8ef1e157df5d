"""Annotation and BioSamples, from a package over real HTTP to the warehouse, and to a rebuilt one."""

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_ncbi import BadLine, Line, as_annotation
from tests.support.followed import FIRST_DAY, Followed, content
from tests.support.genuine import ANNOTATION_REPORT_SHAPES, BIOSAMPLE_REPORT_SHAPES, needs_genuine_records
from tests.support.stand_in import StandIn
from tests.support.warehouses import line, made_data, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse

BOTH = ("ANNOTATION", "BIOSAMPLE_REPORT")
TODAY = date(2026, 11, 20)


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return made_data(tmp_path / "data")


def source(*reports: str) -> Source:
    return Source(name="sars2", request=VirusGenomeRequest(taxon="2697049", aux_report=reports))


def run(stand_in: StandIn, data: DataFolder, followed: Source) -> IngestResult:
    with DatasetsClient(stand_in.url, attempts=1) as client:
        return ingest(followed, client=client, warehouse=Warehouse(data.warehouse, lock_timeout=120), data=data)


def rows(data: DataFolder, sql: str) -> list[tuple[Any, ...]]:
    return query(data.warehouse, sql)


class TestStandIn:
    def test_both_reports_are_loaded_completely_and_updated(self, data: DataFolder) -> None:
        with StandIn(today=TODAY, records=60) as stand_in:
            first = run(stand_in, data, source(*BOTH))
            self.assert_complete(data, first)
            again = run(stand_in, data, source(*BOTH))
            assert not again.changed
            assert {name: counts["unchanged"] for name, counts in again.further.items()} == {
                name: counts["lines"] - counts["duplicate"]  # type: ignore[operator]
                for name, counts in again.further.items()
            }
            stand_in.set_today(TODAY.replace(day=27))
            later = run(stand_in, data, source(*BOTH))
            assert any(counts["revised"] or counts["inserted"] for counts in later.further.values())
            self.assert_complete(data, later)
        assert content(rebuild(data, from_oldest=True).path) == content(data.warehouse)

    def assert_complete(self, data: DataFolder, result: IngestResult) -> None:
        """Everything that the data report announces is loaded, and nothing else."""
        assert rows(data, gates_sql()) == []
        assert rows(data, "FROM ops.quarantine") == rows(data, "FROM ops.schema_drift") == []
        counts = """
            SELECT accession, gene_count, protein_count, coalesce(mature_peptide_count, 0)
            FROM virus_genome WHERE is_annotated ORDER BY ALL
        """
        held = """
            SELECT
                accession,
                (SELECT count(*) FROM virus_gene AS g WHERE g.accession = a.accession),
                (SELECT count(*) FROM virus_protein AS p WHERE p.accession = a.accession AND kind = 'coding_region'),
                (SELECT count(*) FROM virus_protein AS p WHERE p.accession = a.accession AND kind = 'mature_peptide')
            FROM virus_annotation AS a ORDER BY ALL
        """
        assert rows(data, counts) == rows(data, held) != []
        named = "SELECT DISTINCT biosample FROM virus_genome WHERE biosample IS NOT NULL ORDER BY ALL"
        assert set(rows(data, named)) <= set(rows(data, "SELECT accession FROM biosample")) != set()
        reports = f"SELECT report, lines FROM ops.ingest_report WHERE run_id = '{result.run_id}' ORDER BY report"
        further_lines = {name: counts["lines"] for name, counts in result.further.items()}
        assert dict(rows(data, reports)) == {"data_report": result.counts["lines"], **further_lines}

    def test_source_without_further_reports_loads_none(self, data: DataFolder) -> None:
        with StandIn(today=TODAY, records=40) as stand_in:
            result = run(stand_in, data, source())
        assert result.further == {}
        for table in ("virus_annotation", "virus_gene", "virus_protein", "biosample", "biosample_attribute"):
            assert rows(data, f"FROM {table}") == []
        assert rows(data, "SELECT DISTINCT report FROM ops.ingest_report") == [("data_report",)]

    def test_report_no_longer_requested_is_removed(self, data: DataFolder) -> None:
        with StandIn(today=TODAY, records=40) as stand_in:
            run(stand_in, data, source(*BOTH))
            assert rows(data, "FROM virus_gene") != []
            run(stand_in, data, source())
        for table in ("virus_annotation", "virus_gene", "virus_protein"):
            assert rows(data, f"FROM {table}") == []
        assert rows(data, gates_sql()) == []


class TestAbsence:
    def announce(self, followed: Followed) -> None:
        announced = line("PX1.1", FIRST_DAY.isoformat(), isAnnotated=True, biosample="SAMN1")
        followed.ncbi.world.strays = [(0, BadLine(announced))]

    @pytest.mark.parametrize("further", [{}, {"annotation_report": [], "biosample_report": []}])
    def test_absent_report_is_logged_and_the_run_succeeds(
        self, followed: Followed, further: dict[str, list[str]], caplog: pytest.LogCaptureFixture
    ) -> None:
        self.announce(followed)
        followed.ncbi.world.further = further
        asked = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", aux_report=BOTH))
        with caplog.at_level(logging.WARNING):
            assert followed.run(asked).counts["inserted"] == 1
        note = "requested, but missing or empty: 1 genome of the data report announces it"
        for report in ("annotation_report", "biosample_report"):
            assert f"{report}.jsonl was {note}" in caplog.text
        assert rows(followed.data, "SELECT report, path, sample FROM ops.schema_drift ORDER BY ALL") == [
            ("annotation_report", "$", json.dumps(note)),
            ("biosample_report", "$", json.dumps(note)),
        ]
        assert content(rebuild(followed.data).path) == content(followed.data.warehouse)

    def test_unrequested_or_unannounced_report_may_be_absent(
        self, followed: Followed, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.announce(followed)
        followed.run()
        followed.ncbi.world.strays.clear()
        followed.show("PX1", 1)
        followed.run(Source(name="dengue", request=VirusGenomeRequest(taxon="12637", aux_report=BOTH)))
        assert "absent" not in caplog.text
        assert rows(followed.data, "FROM ops.schema_drift") == []


class TestReplay:
    def test_annotation_of_a_later_genome_is_replayed_from_the_quarantine(self, followed: Followed) -> None:
        followed.show("PX1", 1)
        late = Line("PX2", 1, FIRST_DAY, 1, None, "human")
        sample = '{"accession":"SAMN1","lastUpdated":"soon"}'
        followed.ncbi.world.further = {"annotation_report": [as_annotation(late)], "biosample_report": [sample]}
        first = followed.run()
        assert first.further["annotation_report"]["quarantined"] == 1
        followed.ncbi.world.further = {}
        followed.show("PX2", 1)
        followed.run()
        result = followed.run(mode="replay")
        assert result.counts["lines"] == 0
        assert result.further["annotation_report"]["inserted"] == 1
        assert (result.further["biosample_report"]["quarantined"], result.changed) == (1, True)
        assert rows(followed.data, "SELECT accession, run_id FROM virus_annotation") == [("PX2", result.run_id)]
        assert rows(followed.data, "SELECT report, replayed_at IS NOT NULL FROM ops.quarantine ORDER BY ALL") == [
            ("annotation_report", True),
            ("biosample_report", False),
        ]
        assert rows(followed.data, gates_sql()) == []
        # Lines that were loaded are not read again.
        assert set(followed.run(mode="replay").further) == {"biosample_report"}
        assert content(rebuild(followed.data, from_oldest=True).path) == content(followed.data.warehouse)


@needs_genuine_records
def test_genuine_lines_are_loaded(followed: Followed) -> None:
    annotations = ANNOTATION_REPORT_SHAPES.read_text(encoding="utf-8").splitlines()
    samples = BIOSAMPLE_REPORT_SHAPES.read_text(encoding="utf-8").splitlines()
    for text in annotations:
        followed.show(json.loads(text)["accession"].removesuffix(".1"), 1)
    followed.ncbi.world.further = {"annotation_report": annotations, "biosample_report": samples}
    result = followed.run()
    assert result.further["annotation_report"]["inserted"] == len(annotations)
    assert result.further["biosample_report"]["duplicate"] == 1
    proteins = sum(text.count('"protein":') for text in annotations)
    assert rows(followed.data, "SELECT count(*) FROM virus_protein") == [(proteins,)]
    slipping = "SELECT DISTINCT nucleotide_ranges[2].begin <= nucleotide_ranges[1].end FROM virus_protein WHERE name ="
    assert rows(followed.data, f"{slipping} 'RNA-dependent RNA polymerase'") == [(True,)]
    assert rows(followed.data, "SELECT value_clean FROM biosample_attribute WHERE value = 'missing'") == [(None,)]
    assert rows(followed.data, gates_sql()) == []
