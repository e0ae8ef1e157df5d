"""The gates before publication, on real files: each finds what it is for, names the rows, and nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.nested_lines import annotation, sample
from tests.support.warehouses import DENGUE, MPOX, Store, accessions, line
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import (
    BLOCKING,
    GATES,
    Finding,
    GateFailed,
    OnFailure,
    classify_findings,
    gates_sql,
    refuse_findings,
)
from virus_warehouse.publish.origins import ORIGINS
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.sql_file import read_sql
from virus_warehouse.warehouse.load import Acceptance

GATES_FOLDER = "publish/sql/gates"


@pytest.fixture(scope="module")
def valid_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound warehouse with a present and a past, a host and a bad line."""
    store = Store(tmp_path_factory.mktemp("sound"))
    host = {"taxId": 9606, "organismName": "Homo sapiens"}
    annotated = [annotation("PX1.1", "A"), annotation("PX2.1", "A", "B")]
    sampled = [sample("SAMN1", attributes=[{"name": "host", "value": "missing"}])]
    store.load(line("PX1.1", host=host), line("PX2.1"), "{", annotation=annotated, biosamples=sampled)
    store.load(line("PX1.2", host=host), line("PX2.1"), line("PX3.1", virus=None))
    return store.warehouse.path.read_bytes()


@pytest.fixture
def store(tmp_path: Path, valid_file: bytes) -> Store:
    store = Store(tmp_path)
    store.warehouse.path.write_bytes(valid_file)
    return store


def test_sound_warehouse_passes(store: Store) -> None:
    assert store.rows(gates_sql()) == []


def test_empty_warehouse_passes(tmp_path: Path) -> None:
    assert Store(tmp_path).rows(gates_sql(followed(MPOX), tmp_path / "nothing.duckdb")) == []


BREAKAGES = {
    "record twice": (
        "INSERT INTO virus_genome FROM virus_genome WHERE accession = 'PX1'",
        ("unique_keys", "mpox", "a record is more than once in virus_genome", 1, ["PX1"]),
    ),
    "taxon twice": (
        "INSERT INTO taxon FROM taxon WHERE tax_id = 10240",
        ("unique_keys", None, "a taxon is more than once in taxon", 1, ["10240"]),
    ),
    "lineage twice": (
        "INSERT INTO taxon_lineage FROM taxon_lineage WHERE descendant_tax_id = 10239",
        ("unique_keys", None, "a pair is more than once in taxon_lineage", 1, ["10239 under 10239"]),
    ),
    "annotation twice": (
        "INSERT INTO virus_annotation FROM virus_annotation",
        ("unique_keys", "mpox", "a genome has more than one annotation", 1, ["PX2"]),
    ),
    "gene twice": (
        "INSERT INTO virus_gene FROM virus_gene WHERE name = 'B'",
        ("unique_keys", "mpox", "a gene of a genome is stored more than once", 1, ["PX2 2"]),
    ),
    "protein twice": (
        "INSERT INTO virus_protein FROM virus_protein WHERE name = 'B peptide'",
        ("unique_keys", "mpox", "a protein of a genome is stored more than once", 1, ["PX2 4"]),
    ),
    "BioSample twice": (
        "INSERT INTO biosample FROM biosample",
        ("unique_keys", "mpox", "a BioSample is stored more than once", 1, ["SAMN1"]),
    ),
    "attribute twice": (
        "INSERT INTO biosample_attribute FROM biosample_attribute",
        ("unique_keys", "mpox", "an attribute of a BioSample is stored more than once", 1, ["SAMN1 1"]),
    ),
    "annotation of a run that nobody knows": (
        "UPDATE virus_annotation SET run_id = 'run-9'",
        ("no_orphans", "mpox", "an annotation or a BioSample names a run that did not commit", 1, ["PX2 of run-9"]),
    ),
    "annotation of another version": (
        "UPDATE virus_annotation SET accession_version = 'PX2.2'",
        ("no_orphans", "mpox", "an annotation has no genome of its version", 1, ["PX2.2"]),
    ),
    "gene without an annotation": (
        "DELETE FROM virus_annotation; DELETE FROM virus_gene WHERE name = 'B'; "
        "DELETE FROM virus_protein WHERE name LIKE 'B%'",
        ("no_orphans", "mpox", "a gene has no annotation", 1, ["PX2 1"]),
    ),
    "protein without a gene": (
        "DELETE FROM virus_gene WHERE name = 'B'; DELETE FROM virus_protein WHERE name = 'B peptide'",
        ("no_orphans", "mpox", "a protein has no gene", 1, ["PX2 3"]),
    ),
    "mature peptide without a coding region": (
        "DELETE FROM virus_protein WHERE name = 'B polyprotein'",
        ("no_orphans", "mpox", "a mature peptide has no coding region", 1, ["PX2 4"]),
    ),
    "attribute without a BioSample": (
        "DELETE FROM biosample",
        ("no_orphans", "mpox", "an attribute has no BioSample", 1, ["SAMN1 1"]),
    ),
    "run that nobody knows": (
        "UPDATE virus_genome SET run_id = 'run-9' WHERE accession = 'PX2'",
        ("no_orphans", "mpox", "a record names a run that did not commit", 1, ["PX2 of run-9"]),
    ),
    "run that failed": (
        "UPDATE ops.ingest_run SET status = 'failed' WHERE run_id = 'run-2'",
        ("no_orphans", "mpox", "a record names a run that did not commit", 2, ["PX1 of run-2", "PX3 of run-2"]),
    ),
    "unknown virus": (
        "UPDATE virus_genome SET virus_tax_id = 5 WHERE accession = 'PX2'",
        ("no_orphans", "mpox", "a record names a virus or host that is not in taxon", 1, ["PX2"]),
    ),
    "unknown host": (
        "DELETE FROM taxon_lineage WHERE descendant_tax_id = 9606; DELETE FROM taxon WHERE tax_id = 9606",
        ("no_orphans", "mpox", "a record names a virus or host that is not in taxon", 1, ["PX1"]),
    ),
    "unknown ancestor": (
        "INSERT INTO taxon_lineage VALUES (10244, 5, 9)",
        ("no_orphans", None, "a lineage names a taxon that is not in taxon", 1, ["5"]),
    ),
    "line lost": (
        "UPDATE ops.ingest_report SET lines = lines + 1 WHERE run_id = 'run-1' AND report = 'data_report'",
        ("conservation", "mpox", "the lines of a report do not add up", 1, ["run-1 data_report"]),
    ),
    "count lost": (
        "UPDATE ops.ingest_report SET stale = NULL WHERE run_id = 'run-2'",
        ("conservation", "mpox", "the lines of a report do not add up", 1, ["run-2 data_report"]),
    ),
    "counts lost": (
        "DELETE FROM ops.ingest_report WHERE run_id = 'run-2'",
        ("conservation", "mpox", "a committed run lost its report counts", 1, ["run-2"]),
    ),
    "past that reaches into the present": (
        "UPDATE virus_genome_history SET valid_to = valid_to + INTERVAL 1 MINUTE",
        ("history", "mpox", "a past state of a record overlaps the one after it", 1, ["PX1"]),
    ),
    "past that reaches into another past": (
        "INSERT INTO virus_genome_history BY NAME SELECT * REPLACE (valid_from - INTERVAL 1 MINUTE AS valid_from) "
        "FROM virus_genome_history",
        ("history", "mpox", "a past state of a record overlaps the one after it", 1, ["PX1"]),
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_broken_warehouse_is_found_out_and_the_row_named(store: Store, breakage: str) -> None:
    statement, finding = BREAKAGES[breakage]
    store.execute(statement)
    assert store.rows(gates_sql()) == [finding]


def test_every_gate_of_one_file_is_broken_once() -> None:
    faults = {(finding[0], finding[2]) for _, finding in BREAKAGES.values()}
    gates = {gate for gate, _ in faults}
    sql = {gate: read_sql(f"{GATES_FOLDER}/{gate}.sql") for gate in gates}
    assert all(f"'{fault}'" in sql[gate] for gate, fault in faults)
    assert sum(text.count("UNION ALL\n\nSELECT") + 1 for text in sql.values()) == len(faults)
    assert gates == {gate.name for gate in GATES if not gate.settings}


def test_some_of_many_rows_at_fault_are_named(store: Store) -> None:
    store.load(*(line(f"PY{number}.1") for number in range(1, 8)), mode="incremental")
    store.execute("INSERT INTO virus_genome FROM virus_genome")
    [(gate, source, _, count, examples)] = store.rows(gates_sql())
    assert (gate, source, count) == ("unique_keys", "mpox", 10)
    assert examples == ["PX1", "PX2", "PX3", "PY1", "PY2"]


def followed(*sources: Source) -> SourcesFile:
    return SourcesFile(Path("sources.yaml"), {source.name: source for source in sources})


def with_(**settings: Any) -> SourcesFile:
    """The sources file of a source that sets these keys."""
    return followed(Source(name="mpox", request=VirusGenomeRequest(taxon="10244"), **settings))


class Published:
    """A warehouse of forty records, and a snapshot of it."""

    lines = tuple(line(accession, isolate={"name": "I"}) for accession in accessions(40))

    def __init__(self, store: Store) -> None:
        self.store = store
        self.snapshot = store.folder / "virus.duckdb"
        self.publish()

    def publish(self) -> None:
        self.snapshot.write_bytes(self.store.warehouse.path.read_bytes())

    def findings(self, sources: SourcesFile | None = None) -> list[tuple[Any, ...]]:
        return self.store.rows(gates_sql(sources or followed(MPOX), self.snapshot))

    def gates(self, sources: SourcesFile | None = None) -> list[str]:
        return [gate for gate, *_ in self.findings(sources)]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("loaded"))
    store.load(*Published.lines)
    return store


@pytest.fixture
def site(tmp_path: Path, loaded: Store) -> Published:
    return Published(loaded.copy_to(tmp_path))


def some(count: int) -> str:
    """A condition that is true of the first records."""
    return f"accession <= 'PX{count:06d}'"


@pytest.mark.slow
class TestShrinkage:
    def test_records_gone_are_named(self, site: Published) -> None:
        site.store.execute(f"DELETE FROM virus_genome WHERE {some(10)}")
        assert site.findings() == [
            (
                "shrinkage",
                "mpox",
                "of 40 published records, 10 are missing, more than 5.0%",
                10,
                [f"PX{number:06d}" for number in range(1, 6)],
            )
        ]

    def test_few_stop_nothing(self, site: Published) -> None:
        site.store.execute(f"DELETE FROM virus_genome WHERE {some(9)}")
        assert site.gates() == []

    @pytest.mark.parametrize("allowed", [0.25, None])
    def test_source_says_how_many_and_switches_it_off(self, site: Published, allowed: float | None) -> None:
        site.store.execute(f"DELETE FROM virus_genome WHERE {some(10)}")
        assert site.gates(with_(max_shrinkage=allowed)) == []
        site.store.execute(f"DELETE FROM virus_genome WHERE {some(11)}")
        assert site.gates(with_(max_shrinkage=allowed)) == (["shrinkage"] if allowed else [])

    def test_new_ones_do_not_make_up_for_those_gone(self, site: Published) -> None:
        site.store.load(*(line(accession) for accession in accessions(30, first=100)), mode="incremental")
        site.store.execute(f"DELETE FROM virus_genome WHERE {some(10)}")
        assert site.gates() == ["shrinkage"]

    def test_source_gone_altogether_is_seen_though_nobody_follows_it(self, site: Published) -> None:
        site.store.execute("DELETE FROM virus_genome")
        assert site.gates(followed(DENGUE)) == ["shrinkage"]

    def test_what_another_filter_no_longer_shows_does_not_count(self, site: Published) -> None:
        other = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))
        site.store.load(*site.lines[:5], source=other, filter_changed=True)
        assert site.store.rows("SELECT count(*) FROM virus_genome_history WHERE ended_by = 'filter'") == [(35,)]
        assert site.gates(followed(other)) == []

    @pytest.mark.parametrize("accepted", [True, False])
    def test_withdrawn_ones_count_unless_a_person_accepted_it(self, site: Published, accepted: bool) -> None:
        few = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"), max_missing=0.02 if accepted else 0.9)
        for _ in range(2):
            site.store.load(*site.lines[12:], source=few, is_census=True, accepts=Acceptance(missing=accepted))
        assert site.store.rows("SELECT count(*) FROM virus_genome_history WHERE ended_by = 'withdrawal'") == [(12,)]
        assert site.gates() == ([] if accepted else ["shrinkage"])

    def test_ended_long_ago_and_here_again_explains_no_loss_of_today(self, site: Published) -> None:
        other = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))
        site.store.load(*site.lines[:5], source=other, filter_changed=True)
        site.store.load(*site.lines, source=MPOX, filter_changed=True)
        site.publish()
        site.store.execute(f"DELETE FROM virus_genome WHERE NOT {some(5)}")
        assert site.gates() == ["shrinkage"]

    def test_warehouse_that_was_restored_lacks_what_was_published_since(self, site: Published) -> None:
        older = site.store.warehouse.path.read_bytes()
        site.store.load(*(line(accession) for accession in accessions(30, first=100)), mode="incremental")
        site.publish()
        site.store.warehouse.path.write_bytes(older)
        assert site.gates() == ["shrinkage"]

    def test_once_published_it_is_not_asked_about_again(self, site: Published) -> None:
        site.store.execute(f"DELETE FROM virus_genome WHERE {some(10)}")
        site.publish()
        assert site.gates() == []

    def test_snapshot_of_an_older_version_has_other_columns(self, site: Published) -> None:
        with duckdb.connect(site.snapshot) as connection:
            connection.execute("ALTER TABLE virus_genome DROP COLUMN usa_state")
            connection.execute("ALTER TABLE virus_genome ADD COLUMN dropped_since VARCHAR")
        site.store.execute(f"DELETE FROM virus_genome WHERE {some(10)}")
        assert site.gates() == ["shrinkage"]


class TestEmptiedFields:
    EMPTY = "UPDATE virus_genome SET isolate_name = NULL WHERE "

    def test_field_and_records_are_named(self, site: Published) -> None:
        site.store.execute(self.EMPTY + some(10))
        assert site.findings() == [
            (
                "emptied_fields",
                "mpox",
                "of 40 records that had isolate_name, 10 lost it, more than 10.0%",
                10,
                [f"PX{number:06d}" for number in range(1, 6)],
            )
        ]

    def test_few_or_as_many_as_the_source_allows_stop_nothing(self, site: Published) -> None:
        site.store.execute(self.EMPTY + some(9))
        assert site.gates() == []
        site.store.execute(self.EMPTY + some(20))
        assert site.gates(with_(max_emptied=0.5)) == ["lost_fields"]
        assert site.gates(with_(max_emptied=0.49)) == ["emptied_fields"]

    def test_what_stops_nothing_is_told_with_field_number_and_examples(self, site: Published) -> None:
        site.store.execute(self.EMPTY + some(20))
        assert site.findings(with_(max_emptied=0.5)) == [
            (
                "lost_fields",
                "mpox",
                "of 40 records that had isolate_name, 20 lost it",
                20,
                [f"PX{number:06d}" for number in range(1, 6)],
            )
        ]

    def test_records_without_the_field_that_are_new_are_no_loss(self, site: Published) -> None:
        site.store.load(*(line(accession) for accession in accessions(300, first=100)), mode="incremental")
        assert site.gates() == []

    def test_records_found_again_have_lost_nothing(self, site: Published) -> None:
        site.store.execute("UPDATE virus_genome SET status = 'missing', missing_since = now()")
        site.publish()
        site.store.execute("UPDATE virus_genome SET status = 'live', missing_since = NULL")
        assert site.gates() == []

    def test_every_field_is_looked_at(self, site: Published) -> None:
        fields = [
            name
            for name in ORIGINS["virus_genome"][1]
            if name not in ("accession", "accession_version", "version")
            and not name.startswith(("collection_date_", "country", "division"))
        ]
        values = {"VARCHAR": "'x'", "JSON": "'1'", "VARCHAR[]": "['x']", "DATE": "'2025-05-01'", "BOOLEAN": "true"}
        kinds = dict(site.store.rows("SELECT column_name, data_type FROM duckdb_columns()"))
        site.store.execute(
            f"UPDATE virus_genome SET {', '.join(f'{field} = {values.get(kinds[field], 1)}' for field in fields)}"
        )
        site.publish()
        site.store.execute(f"UPDATE virus_genome SET {', '.join(f'{field} = NULL' for field in fields)}")
        told = [fault for gate, _, fault, *_ in site.findings() if gate == "emptied_fields"]
        assert {fault.split(" had ")[1].split(",")[0] for fault in told} == set(fields)

    def test_other_filters_and_reports_have_other_fields(self, site: Published) -> None:
        site.store.execute(self.EMPTY + "true; UPDATE ops.ingest_run SET fingerprint = 'other'")
        assert site.gates() == []

    def test_field_that_the_snapshot_did_not_have_is_not_lost(self, site: Published) -> None:
        with duckdb.connect(site.snapshot) as connection:
            connection.execute("ALTER TABLE virus_genome DROP COLUMN isolate_name")
        site.store.execute(self.EMPTY + "true")
        assert site.gates() == []


TODAY = "now()::DATE"
"""Asked when a test runs: a test run may begin before midnight and end after it."""

ODD_DATES = {
    "release_date": ("before GenBank's first release in 1982", "release_date = '1981-12-31'"),
    "update_date": ("in the future", f"update_date = {TODAY} + 3"),
    "collection_date": (
        "before 1800-01-01",
        "collection_date_min = '1020-01-01', collection_date_max = '1020-12-31'",
    ),
}


class TestDates:
    def test_many_new_ones_block_and_all_are_warned_of(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET release_date = '2999-01-01' WHERE {some(10)}")
        told = [f"PX{number:06d} 2999-01-01" for number in range(1, 6)]
        fault = "10 of 40 records have new impossible dates, more than 5.0%: "
        assert site.findings() == [
            ("dates_in_range", "mpox", f"{fault}release_date in the future", 10, told),
            ("odd_dates", "mpox", "release_date is in the future", 10, told),
        ]

    def test_published_once_they_block_nothing_again_until_they_change(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET update_date = '2999-01-01' WHERE {some(10)}")
        site.publish()
        assert site.gates() == ["odd_dates"]
        site.store.execute(f"UPDATE virus_genome SET update_date = '2999-01-02' WHERE {some(10)}")
        assert site.gates() == ["dates_in_range", "odd_dates"]

    def test_before_the_first_publication_all_are_new(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET update_date = '1900-01-02' WHERE {some(10)}")
        site.snapshot.unlink()
        assert site.gates() == ["dates_in_range", "odd_dates"]

    def test_few_are_only_warned_of(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET update_date = '1900-01-02' WHERE {some(9)}")
        assert site.gates() == ["odd_dates"]

    def test_source_says_how_many_and_switches_it_off(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET update_date = '1900-01-02' WHERE {some(20)}")
        assert site.gates(with_(max_odd_dates=0.5)) == ["odd_dates"]
        assert site.gates(with_(max_odd_dates=None)) == []

    @pytest.mark.parametrize("field", ODD_DATES)
    def test_each_date_has_its_bounds(self, site: Published, field: str) -> None:
        oddity, assignment = ODD_DATES[field]
        site.store.execute(f"UPDATE virus_genome SET {assignment} WHERE {some(1)}")
        [(gate, _, fault, count, _)] = site.findings()
        assert (gate, fault, count) == ("odd_dates", f"{field} is {oddity}", 1)

    @pytest.mark.parametrize(
        "assignment",
        [
            "release_date = '1982-12-01'",
            f"update_date = {TODAY} + 2",
            "collection_date_min = '1800-01-01', collection_date_max = '1800-01-01'",
            "collection_date_min = '1700-01-01', collection_date_max = '1899-12-31'",
            f"collection_date_min = date_trunc('year', {TODAY}), "
            f"collection_date_max = last_day(date_trunc('year', {TODAY}) + INTERVAL 11 MONTH)",
            "release_date = NULL, update_date = NULL",
        ],
    )
    def test_what_can_be_is_not_told(self, site: Published, assignment: str) -> None:
        site.store.execute(f"UPDATE virus_genome SET {assignment} WHERE {some(1)}")
        assert site.gates() == []

    def test_source_sets_the_bounds(self, site: Published) -> None:
        site.store.execute(
            "UPDATE virus_genome SET collection_date_min = '1020-01-01', collection_date_max = '1020-12-31', "
            f"update_date = {TODAY} + 9 WHERE {some(1)}"
        )
        assert site.gates(with_(earliest_collection_date="1000-01-01", future_days=9)) == []


@pytest.mark.slow
class TestQuarantineShare:
    BAD = tuple(f'{{"accession": {number}' for number in range(12))

    def test_report_lines_and_reasons_are_named(self, site: Published) -> None:
        site.store.load(*site.lines[:20], *self.BAD, mode="incremental")
        [(gate, source, fault, count, examples)] = site.findings()
        assert (gate, source, count) == ("quarantine_share", "mpox", 12)
        assert fault == "of 32 new lines of the data report, 12 could not be read, more than 10.0%"
        assert examples[0].startswith("line 21 of run-2: ")

    def test_few_or_as_many_as_the_source_allows_stop_nothing(self, site: Published) -> None:
        site.store.load(*site.lines[:20], *self.BAD[:9], mode="incremental")
        assert site.gates() == []
        site.store.load(*site.lines[:20], *self.BAD, mode="incremental")
        assert site.gates() == ["quarantine_share"]
        assert site.gates(with_(max_quarantined=0.5)) == []
        assert site.gates(with_(max_quarantined=None)) == []

    def test_the_same_lines_again_are_not_asked_about_again(self, site: Published) -> None:
        site.store.load(*site.lines[:20], *self.BAD, mode="incremental")
        site.publish()
        site.store.load(*site.lines[:20], *self.BAD, mode="incremental")
        assert site.gates() == []

    def test_lines_loaded_after_all_do_not_count(self, site: Published) -> None:
        site.store.load(*site.lines[:20], *self.BAD, mode="incremental")
        site.store.execute("UPDATE ops.quarantine SET replayed_at = now()")
        assert site.gates() == []


class TestFreshness:
    @pytest.fixture
    def ask(self, site: Published) -> Callable[[str], None]:
        def ask(watermark: str) -> None:
            site.store.execute(
                f"UPDATE ops.ingest_run SET requested_at = '2025-06-30 06:00:00+00', watermark = '{watermark}'"
            )

        return ask

    def test_ncbi_that_stands_still_is_told(self, site: Published, ask: Callable[[str], None]) -> None:
        ask("2025-06-08")
        fault = "No new NCBI updates: asked on 2025-06-30, it listed nothing updated after 2025-06-08, 22 days before"
        assert site.findings() == [("freshness", "mpox", fault, 1, ["run-1"])]

    def test_days_are_the_sources_and_null_switches_it_off(self, site: Published, ask: Callable[[str], None]) -> None:
        ask("2025-06-08")
        assert site.gates(with_(stale_after_days=22)) == []
        assert site.gates(with_(stale_after_days=None)) == []
        ask("2025-06-09")
        assert site.gates() == []

    def test_of_a_source_that_is_not_followed_nobody_asks(self, site: Published, ask: Callable[[str], None]) -> None:
        ask("2025-01-01")
        assert site.gates(followed(DENGUE)) == []


def test_every_gate_says_why_and_what_to_do_and_is_an_sql_file() -> None:
    for gate in GATES:
        assert gate.reason
        assert gate.way_out.endswith(".")
        assert set(gate.settings) <= set(Source.model_fields)
        assert read_sql(f"{GATES_FOLDER}/{gate.name}.sql").startswith("-- ")
    assert len({gate.name for gate in GATES}) == len(GATES)


def test_what_never_blocks() -> None:
    warns = {gate.name for gate in GATES if gate.on_failure is OnFailure.WARNS}
    assert warns == {"freshness", "lost_fields", "odd_dates"}
    assert set(BLOCKING) == {gate.name for gate in GATES} - warns


FOUND: list[tuple[str, str | None, str, int, list[str]]] = [
    ("unique_keys", "mpox", "a record stands twice", 7, ["PX1", "PX2"]),
    ("no_orphans", None, "a lineage names nobody", 1, ["5"]),
    ("freshness", "dengue", "NCBI stands still", 1, ["run-1"]),
]


def test_nothing_found_stops_nothing() -> None:
    refuse_findings([])


def test_warnings_and_what_is_accepted_stop_nothing() -> None:
    findings = classify_findings(FOUND, ["unique_keys", "no_orphans", "history"])
    assert [finding.outcome for finding in findings] == ["accepted", "accepted", "warned"]
    refuse_findings(findings)


def test_fault_of_a_source_holds_that_source_back_and_stops_no_other() -> None:
    findings = classify_findings(FOUND, ["no_orphans"])
    assert [finding.outcome for finding in findings] == ["held back", "accepted", "warned"]
    refuse_findings(findings)


def test_what_belongs_to_no_source_stops_the_publication_with_what_and_where_and_the_way_out() -> None:
    with pytest.raises(GateFailed) as failed:
        refuse_findings(classify_findings(FOUND, ["history"]), Path("candidates/publication-1.duckdb"))
    message = str(failed.value)
    assert message.startswith("Not published, the last good snapshot stays.")
    assert "no_orphans: a lineage names nobody (1 row, such as 5)." in message
    assert "a record stands twice" not in message
    assert "NCBI stands still" not in message
    assert "This concerns no single source, so publishing is blocked until it is resolved" in message
    assert "please report it" in message
    assert "accept_findings ['no_orphans']" in message
    assert "virus-warehouse publish --accept no_orphans" in message
    assert "candidates/publication-1.duckdb" in message


@pytest.mark.parametrize(
    ("accepted", "source", "outcomes"),
    [
        (["unique_keys", "no_orphans"], "mpox", ["accepted", "accepted", "warned"]),
        (["unique_keys", "no_orphans"], "dengue", ["held back", "accepted", "warned"]),
        (["unique_keys"], None, ["accepted", "blocked", "warned"]),
    ],
)
def test_accepting_goes_for_the_gates_and_the_source_that_are_named(
    accepted: list[str], source: str | None, outcomes: list[str]
) -> None:
    assert [finding.outcome for finding in classify_findings(FOUND, accepted, source)] == outcomes


def test_finding_tells_itself_in_a_line() -> None:
    finding = Finding("shrinkage", "accepted", "mpox", "gone", 2, ["PX1", "PX2"])
    assert str(finding) == "shrinkage of mpox: gone (2 rows, such as PX1; PX2)"
