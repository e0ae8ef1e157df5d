"""Annotations and BioSamples follow their genomes in one transaction, and none of their lines is lost."""

import json
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.nested_lines import ANNOTATION, BIOSAMPLE, annotation, sample
from tests.support.warehouses import DENGUE, FIRST_COMMIT, Store, dicts, line
from tests.unit.virus_warehouse.reports.test_annotation_report import CODING_REGION, GENE, MATURE_PEPTIDE
from tests.unit.virus_warehouse.reports.test_biosample_report import COLUMNS
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.warehouse.load_gates import GateError

HOUR = timedelta(hours=1)
NOT_HELD = "annotation of a genome that is not held"
OTHER_VERSION = "annotation of a version of the genome that is not held"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def genes(store: Store) -> list[tuple[Any, ...]]:
    return store.rows("SELECT accession, name FROM virus_gene ORDER BY source, accession, gene_number")


def annotated(store: Store) -> list[tuple[Any, ...]]:
    return store.rows("SELECT accession_version, run_id FROM virus_annotation ORDER BY ALL")


def quarantine(store: Store) -> list[tuple[Any, ...]]:
    return store.rows("SELECT report, line_number, reason, raw FROM ops.quarantine ORDER BY ALL")


def is_valid(store: Store) -> bool:
    return store.rows(gates_sql()) == []


class TestAnnotationRows:
    def test_line_becomes_an_annotation_its_genes_and_their_proteins(self, store: Store) -> None:
        store.load(line("NC_063383.2"), annotation=[json.dumps(ANNOTATION)])
        assert store.further == {"annotation_report": {"inserted": 1}}
        key = {"source": "mpox", "accession": "NC_063383"}
        [held] = dicts(store.warehouse.path, "FROM virus_annotation")
        assert held.pop("annotation_hash") > 0
        assert held == {
            **key,
            "accession_version": "NC_063383.2",
            "isolate_name": "Wuhan-Hu-1",
            "valid_from": FIRST_COMMIT + HOUR,
            "run_id": "run-1",
        }
        gene = {name: value for name, value in GENE.items() if name != "coding_regions"}
        assert dicts(store.warehouse.path, "FROM virus_gene") == [{**key, "gene_number": 1, **gene}]
        family = {**key, "gene_number": 1}
        parent = {"protein_number": 1, "parent_protein_number": None, "kind": "coding_region"}
        child = {"protein_number": 2, "parent_protein_number": 1, "kind": "mature_peptide"}
        assert dicts(store.warehouse.path, "FROM virus_protein ORDER BY protein_number") == [
            {**family, **parent, **CODING_REGION},
            {**family, **child, **MATURE_PEPTIDE},
        ]

    def test_proteins_are_numbered_per_genome_and_reference_their_parents(self, store: Store) -> None:
        regions = [
            {"name": "a", "maturePeptide": [{"name": "a1"}, {"name": "a2"}]},
            {"name": "b"},
            {"name": "c", "maturePeptide": [{"name": "c1"}]},
        ]
        line_of_genes = {"accession": "PX1.1", "genes": [{"cds": regions[:2]}, {"name": "none"}, {"cds": regions[2:]}]}
        store.load(line("PX1.1"), line("PX2.1"), annotation=[annotation("PX2.1", "A"), json.dumps(line_of_genes)])
        columns = "protein_number, gene_number, parent_protein_number, name"
        assert store.rows(f"SELECT {columns} FROM virus_protein WHERE accession = 'PX1' ORDER BY 1") == [
            (1, 1, None, "a"),
            (2, 1, 1, "a1"),
            (3, 1, 1, "a2"),
            (4, 1, None, "b"),
            (5, 3, None, "c"),
            (6, 3, 5, "c1"),
        ]
        assert genes(store) == [("PX1", None), ("PX1", "none"), ("PX1", None), ("PX2", "A")]
        assert is_valid(store)

    def test_annotation_without_genes_is_kept(self, store: Store) -> None:
        store.load(line("PX1.1"), annotation=[annotation("PX1.1")])
        assert (annotated(store), genes(store)) == ([("PX1.1", "run-1")], [])
        store.load(line("PX1.1"), annotation=[annotation("PX1.1")])
        assert store.further == {"annotation_report": {"unchanged": 1}}


@pytest.mark.slow
class TestAnnotationOutcomes:
    def test_same_line_again_writes_nothing(self, store: Store) -> None:
        store.first_load(line("PX1.1"), annotation=[annotation("PX1.1", "A")])
        tables = ("virus_annotation", "virus_gene", "virus_protein")
        before = [store.rows(f"SELECT rowid, * FROM {table}") for table in tables]
        store.load(line("PX1.1"), annotation=[annotation("PX1.1", "A")])
        assert store.further == {"annotation_report": {"unchanged": 1}}
        assert [store.rows(f"SELECT rowid, * FROM {table}") for table in tables] == before

    def test_changed_annotation_replaces_the_old_one(self, store: Store) -> None:
        store.load(line("PX1.1"), line("PX2.1"), annotation=[annotation("PX1.1", "A", "B"), annotation("PX2.1", "A")])
        store.load(line("PX1.1"), line("PX2.1"), annotation=[annotation("PX1.1", "C"), annotation("PX2.1", "A")])
        assert store.further == {"annotation_report": {"revised": 1, "unchanged": 1}}
        assert genes(store) == [("PX1", "C"), ("PX2", "A")]
        assert store.rows("SELECT accession, name FROM virus_protein ORDER BY ALL") == [
            ("PX1", "C peptide"),
            ("PX1", "C polyprotein"),
            ("PX2", "A peptide"),
            ("PX2", "A polyprotein"),
        ]
        assert annotated(store) == [("PX1.1", "run-2"), ("PX2.1", "run-1")]
        assert is_valid(store)

    def test_new_genome_version_replaces_the_annotation(self, store: Store) -> None:
        store.first_load(line("PX1.1"), annotation=[annotation("PX1.1", "A")])
        store.load(line("PX1.2"), annotation=[annotation("PX1.2", "A")])
        assert store.further == {"annotation_report": {"revised": 1}}
        assert (annotated(store), genes(store)) == ([("PX1.2", "run-2")], [("PX1", "A")])

    def test_last_line_of_the_highest_version_wins_within_a_package(self, store: Store) -> None:
        lines = [annotation("PX1.2", "A"), annotation("PX1.2", "B"), annotation("PX1.1", "C")]
        store.load(line("PX1.1"), line("PX1.2"), annotation=lines)
        assert store.further == {"annotation_report": {"inserted": 1, "duplicate": 2}}
        assert genes(store) == [("PX1", "B")]

    def test_line_of_an_older_version_is_stale(self, store: Store) -> None:
        store.load(line("PX1.2"), annotation=[annotation("PX1.1", "A")])
        assert store.further == {"annotation_report": {"stale": 1}}
        assert annotated(store) == []

    def test_older_package_overwrites_nothing_newer(self, store: Store) -> None:
        store.load(line("PX1.1", "2025-05-02"), line("PX2.1"), annotation=[annotation(f"PX{n}.1", "A") for n in (1, 2)])
        older = [annotation("PX1.1", "B"), annotation("PX2.1", "B"), annotation("PX3.1", "B"), annotation("PX4.1", "B")]
        lines = [line("PX1.1", "2025-05-01", labHost="x"), line("PX2.1"), line("PX3.1")]
        store.load(*lines, mode="incremental", is_newest_package=False, annotation=older)
        assert store.further == {"annotation_report": {"stale": 2, "inserted": 1, "quarantined": 1}}
        assert genes(store) == [("PX1", "A"), ("PX2", "A"), ("PX3", "B")]

    def test_older_package_with_a_newer_state_brings_its_annotation(self, store: Store) -> None:
        store.first_load(line("PX1.1"), line("PX2.1"), annotation=[annotation("PX1.1", "A"), annotation("PX2.1", "A")])
        newer = [line("PX1.2"), line("PX2.1", "2025-05-09")]
        lines = [annotation("PX1.2", "B"), annotation("PX2.1", "B")]
        store.load(*newer, mode="incremental", is_newest_package=False, annotation=lines)
        assert store.further == {"annotation_report": {"revised": 2}}
        assert genes(store) == [("PX1", "B"), ("PX2", "B")]

    def test_older_package_reinstates_nothing(self, store: Store) -> None:
        store.first_load(line("PX1.1"), annotation=[annotation("PX1.1", "A")])
        store.load(line("PX2.1"), filter_changed=True, annotation=[annotation("PX2.1", "A")])
        store.load(line("PX1.1"), mode="incremental", is_newest_package=False, annotation=[annotation("PX1.1", "A")])
        assert store.further == {"annotation_report": {"stale": 1}}
        assert quarantine(store) == []

    def test_window_loads_only_annotations_of_its_genomes(self, store: Store) -> None:
        store.load(line("PX4.1", "2025-05-02"), line("PX5.1", "2025-05-09"), line("PX6.1", None))
        lines = [line("PX1.1", "2025-05-01"), line("PX2.1", "2025-05-02"), line("PX3.1", "2025-05-03")]
        store.load(
            *lines,
            mode="window",
            since=date(2025, 5, 2),
            until=date(2025, 5, 3),
            annotation=[annotation(f"PX{number}.1", "A") for number in range(1, 7)],
        )
        assert store.further == {"annotation_report": {"inserted": 2, "out_of_window": 4}}
        assert genes(store) == [("PX2", "A"), ("PX4", "A")]

    def test_annotation_of_unknown_genome_is_quarantined(self, store: Store) -> None:
        lines = ["", annotation("PX1.1", "A"), "{", annotation("PX2.1", "A"), annotation("PX1.3", "B")]
        store.load(line("PX1.1"), line("PX1.2", "soon"), annotation=lines[:4])
        assert store.further == {"annotation_report": {"inserted": 1, "quarantined": 2}}
        store.load(line("PX1.1"), annotation=lines[1:])
        assert store.further == {"annotation_report": {"duplicate": 1, "quarantined": 3}}
        rows = [row for row in quarantine(store) if row[0] == "annotation_report"]
        assert rows == [
            ("annotation_report", 3, "not JSON, or more than one value on the line", "{"),
            ("annotation_report", 4, NOT_HELD, lines[3]),
            ("annotation_report", 4, OTHER_VERSION, lines[4]),
        ]
        assert is_valid(store)

    def test_sources_have_separate_annotations(self, store: Store) -> None:
        store.load(line("PX1.1"), annotation=[annotation("PX1.1", "A")], biosamples=[sample(isolate="a")])
        store.load(
            line("PX1.2"), source=DENGUE, annotation=[annotation("PX1.2", "B")], biosamples=[sample(isolate="b")]
        )
        assert genes(store) == [("PX1", "B"), ("PX1", "A")]
        assert store.rows("SELECT source, isolate FROM biosample ORDER BY ALL") == [("dengue", "b"), ("mpox", "a")]
        assert is_valid(store)


@pytest.mark.slow
class TestAnnotationsEndWithTheirGenomes:
    @pytest.fixture(autouse=True)
    def held(self, store: Store) -> None:
        store.first_load(line("PX1.1"), line("PX2.1"), annotation=[annotation("PX1.1", "A"), annotation("PX2.1", "A")])

    def test_new_version_without_annotation(self, store: Store) -> None:
        for number, others in enumerate(({"annotation": [annotation("PX2.1", "A")]}, {})):
            store.load(line(f"PX1.{number + 2}"), line("PX2.1"), **others)
            assert genes(store) == [("PX2", "A")]
            assert is_valid(store)

    def test_revision_that_the_report_no_longer_annotates(self, store: Store) -> None:
        store.load(line("PX1.1", labHost="x"), line("PX2.1"), annotation=[annotation("PX2.1", "A")])
        assert genes(store) == [("PX2", "A")]
        assert is_valid(store)

    @pytest.mark.parametrize("lines", [None, [], ['{"accession":"PX1.1","genes":5}', annotation("PX2.1", "A")]])
    def test_revision_without_a_readable_annotation(self, store: Store, lines: list[str] | None) -> None:
        store.load(line("PX1.1", labHost="x"), line("PX2.1"), annotation=lines)
        assert genes(store) == [("PX1", "A"), ("PX2", "A")]

    def test_unchanged_genome_keeps_annotation_missing_from_the_report(self, store: Store) -> None:
        store.load(line("PX1.1"), line("PX2.1"), annotation=[annotation("PX2.1", "A")])
        assert genes(store) == [("PX1", "A"), ("PX2", "A")]

    def test_withdrawal_and_return(self, store: Store) -> None:
        for _ in range(2):
            store.load(line("PX2.1"), is_census=True, annotation=[annotation("PX2.1", "A")])
        assert store.rows("SELECT accession FROM virus_genome") == [("PX2",)]
        assert genes(store) == [("PX2", "A")]
        assert is_valid(store)
        store.load(line("PX1.1"), mode="incremental", annotation=[annotation("PX1.1", "A")])
        assert store.further == {"annotation_report": {"inserted": 1}}
        assert genes(store) == [("PX1", "A"), ("PX2", "A")]

    def test_other_filters(self, store: Store) -> None:
        store.load(line("PX2.1"), filter_changed=True, annotation=[annotation("PX2.1", "A")])
        assert genes(store) == [("PX2", "A")]
        assert is_valid(store)

    def test_other_filters_without_the_report(self, store: Store) -> None:
        store.load(line("PX2.1"), filter_changed=True)
        assert genes(store) == annotated(store) == []
        assert is_valid(store)


@pytest.mark.slow
class TestBioSamples:
    def test_line_becomes_a_sample_and_its_attributes(self, store: Store) -> None:
        store.load(line("PX1.1", biosample="SAMN00000001"), biosamples=[json.dumps(BIOSAMPLE)])
        assert store.further == {"biosample_report": {"inserted": 1}}
        [held] = dicts(store.warehouse.path, "FROM biosample")
        assert held.pop("biosample_hash") > 0
        assert held == {"source": "mpox", **COLUMNS, "valid_from": FIRST_COMMIT + HOUR, "run_id": "run-1"}
        assert store.rows("FROM biosample_attribute ORDER BY attribute_number") == [
            ("mpox", "SAMN00000001", 1, "host", "Homo sapiens", "Homo sapiens"),
            ("mpox", "SAMN00000001", 2, "lat_lon", "missing", None),
        ]

    def test_sample_of_several_genomes_is_one_row(self, store: Store) -> None:
        lines = [line(f"PX{number}.1", biosample="SAMN1") for number in range(3)]
        store.load(
            *lines, biosamples=[sample(isolate="a"), sample(isolate="a"), sample("SAMN2", isolate="of no genome")]
        )
        assert store.further == {"biosample_report": {"inserted": 2, "duplicate": 1}}
        assert store.rows("SELECT count(*), count(DISTINCT accession) FROM biosample") == [(2, 2)]

    def test_same_line_again_writes_nothing(self, store: Store) -> None:
        store.load(biosamples=[sample(isolate="a")])
        before = store.rows("SELECT rowid, * FROM biosample")
        store.load(biosamples=[sample(isolate="a")])
        assert store.further == {"biosample_report": {"unchanged": 1}}
        assert store.rows("SELECT rowid, * FROM biosample") == before

    @pytest.mark.parametrize(
        ("is_newest_package", "outcome_of"),
        [
            (True, {"2025-05-02": "revised", "2025-05-01": "revised", "2025-04-30": "stale", None: "stale"}),
            (False, {"2025-05-02": "revised", "2025-05-01": "stale"}),
        ],
    )
    def test_later_update_wins(
        self, store: Store, *, is_newest_package: bool, outcome_of: dict[str | None, str]
    ) -> None:
        names = {f"SAMN{number}": updated for number, updated in enumerate(outcome_of, start=1)}
        attributes = [{"name": "host", "value": "a"}, {"name": "host", "value": "b"}]
        held = [sample(name, updated="2025-05-01", isolate="a", attributes=attributes) for name in names]
        store.load(biosamples=held)
        changed = [
            sample(name, updated=updated, isolate="b", attributes=attributes[1:]) for name, updated in names.items()
        ]
        store.load(mode="incremental", is_newest_package=is_newest_package, biosamples=changed)
        assert store.further == {"biosample_report": Counter(outcome_of.values())}
        for name, updated in names.items():
            is_new = outcome_of[updated] == "revised"
            of_sample = f"WHERE accession = '{name}' ORDER BY ALL"
            assert store.rows(f"SELECT isolate, run_id FROM biosample {of_sample}") == (
                [("b", "run-2")] if is_new else [("a", "run-1")]
            )
            assert store.rows(f"SELECT value FROM biosample_attribute {of_sample}") == (
                [("b",)] if is_new else [("a",), ("b",)]
            )
        assert is_valid(store)

    def test_latest_line_wins_within_a_package(self, store: Store) -> None:
        lines = [
            sample(updated="2025-05-02", isolate="b"),
            sample(updated="2025-05-02", isolate="c"),
            sample(isolate="a"),
        ]
        store.load(biosamples=lines)
        assert store.further == {"biosample_report": {"inserted": 1, "duplicate": 2}}
        assert store.rows("SELECT isolate, last_updated FROM biosample") == [
            ("c", datetime.fromisoformat("2025-05-02T10:00"))
        ]

    def test_window_loads_only_samples_of_its_genomes(self, store: Store) -> None:
        lines = [line(f"PX{day}.1", f"2025-05-0{day}", biosample=f"SAMN{day}") for day in (1, 2)]
        samples = [sample(f"SAMN{number}") for number in (1, 2, 3)]
        store.load(*lines, mode="window", since=date(2025, 5, 2), biosamples=samples)
        assert store.further == {"biosample_report": {"inserted": 1, "out_of_window": 2}}
        assert store.rows("SELECT accession FROM biosample") == [("SAMN2",)]

    def test_sample_is_kept_for_history_when_its_genome_ends(self, store: Store) -> None:
        store.load(line("PX1.1", biosample="SAMN1"), line("PX2.1"), biosamples=[sample()])
        store.load(line("PX2.1"), filter_changed=True)
        assert store.rows(
            "SELECT count(*) FROM biosample AS b JOIN virus_genome_history AS h ON h.biosample = b.accession"
        ) == [(1,)]


@pytest.mark.slow
class TestGuarantees:
    def test_missing_report_has_no_row_and_no_cost(self, store: Store) -> None:
        store.load(line("PX1.1"))
        assert store.further == {}
        assert store.rows("SELECT report FROM ops.ingest_report") == [("data_report",)]

    def test_lines_add_up_by_report(self, store: Store) -> None:
        store.load(line("PX1.1"), annotation=[annotation("PX1.1", "A"), "{"], biosamples=[])
        reports = dicts(store.warehouse.path, "FROM ops.ingest_report WHERE report <> 'data_report' ORDER BY report")
        nothing = dict.fromkeys(("revised", "touched", "unchanged", "stale", "duplicate", "out_of_window"), 0)
        keys = {"run_id": "run-1", "source": "mpox"}
        assert reports == [
            {**keys, "report": "annotation_report", "lines": 2, "inserted": 1, "quarantined": 1, **nothing},
            {**keys, "report": "biosample_report", "lines": 0, "inserted": 0, "quarantined": 0, **nothing},
        ]
        assert store.rows("SELECT lines, inserted, quarantined FROM ops.ingest_run") == [(1, 1, 0)]

    @pytest.mark.parametrize("report", ["annotation", "biosamples"])
    def test_report_with_wrong_structure_fails_the_run_and_rolls_back(self, store: Store, report: str) -> None:
        with pytest.raises(
            GateError, match=rf"quarantine share: 1[12] of 12 lines of {report[:5]}\w+\.jsonl cannot be read"
        ):
            store.load(line("PX1.1"), **{report: ["{"] * 11 + ['{"accession":"PX1.1"}']})
        assert store.rows("FROM virus_genome") == store.rows("FROM ops.quarantine") == []

    def test_disagreeing_reports_do_not_fail_the_load(self, store: Store) -> None:
        store.load(line("PX1.1"), annotation=[annotation(f"PX{number}.1", "A") for number in range(2, 30)])
        assert store.further == {"annotation_report": {"quarantined": 28}}
        assert len(quarantine(store)) == 28

    def test_drift_and_refused_lines_are_recorded_per_report(self, store: Store) -> None:
        for _ in range(2):
            store.load(
                line("PX1.1", new=1),
                "{",
                annotation=[annotation("PX1.1", new=2), "[", annotation("PX1.1")],
                biosamples=[sample(new={"a": 1}), "}", sample("SAMN2", new={"a": 2})],
            )
        assert store.rows("SELECT report, path, occurrences, sample FROM ops.schema_drift ORDER BY ALL") == [
            ("annotation_report", "$.new", 2, "2"),
            ("biosample_report", "$.new", 4, '{"a":1}'),
            ("data_report", "$.new", 2, "1"),
        ]
        runs = "first_run_id, last_run_id"
        assert store.rows(f"SELECT report, raw, {runs} FROM ops.quarantine ORDER BY ALL") == [
            ("annotation_report", "[", "run-1", "run-2"),
            ("biosample_report", "}", "run-1", "run-2"),
            ("data_report", "{", "run-1", "run-2"),
        ]
