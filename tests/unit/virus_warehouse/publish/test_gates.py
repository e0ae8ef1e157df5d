"""The gates before publication, on real files: each finds its own kind of fault, names the rows, and nothing else."""

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


SEQUENCES = """
    INSERT INTO ops.sequence VALUES
        ('mpox', 'PX1', 'PX1.1', 'genome', 'PX1.1', 'PX1.1 A virus', 'past'::BLOB, '2025-01-01', now(), 'run-1'),
        ('mpox', 'PX1', 'PX1.1', 'genome', 'PX1.1', 'PX1.1 A virus', 'present'::BLOB, now(), NULL, 'run-2');
    INSERT INTO ops.sequence_letters VALUES ('present'::BLOB, 4, 0, 'part.parquet', 0);
    INSERT INTO ops.ingest_sequence VALUES ('run-1', 'mpox', 'genome', 2, 1, 0, 0, 1, 1);
    INSERT INTO ops.sequence_mismatch VALUES
        ('mpox', 'genome', 'PX2.1', 'PX2', 'no entry in the FASTA file', 1, 'run-1', 'run-1', now());
"""


@pytest.fixture(scope="module")
def valid_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A valid warehouse with current and past records and sequences, a host and a bad line."""
    store = Store(tmp_path_factory.mktemp("valid"))
    host = {"taxId": 9606, "organismName": "Homo sapiens"}
    annotated = [annotation("PX1.1", "A"), annotation("PX2.1", "A", "B")]
    sampled = [sample("SAMN1", attributes=[{"name": "host", "value": "missing"}])]
    store.load(line("PX1.1", host=host), line("PX2.1"), "{", annotation=annotated, biosamples=sampled)
    store.load(line("PX1.2", host=host), line("PX2.1"), line("PX3.1", virus=None))
    store.execute(SEQUENCES)
    return store.warehouse.path.read_bytes()


@pytest.fixture
def store(tmp_path: Path, valid_file: bytes) -> Store:
    store = Store(tmp_path)
    store.warehouse.path.write_bytes(valid_file)
    return store


def test_valid_warehouse_passes(store: Store) -> None:
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
    "sequence twice": (
        "INSERT INTO ops.sequence FROM ops.sequence WHERE valid_to IS NULL",
        ("unique_keys", "mpox", "a sequence is more than once in virus_sequence", 1, ["PX1.1"]),
    ),
    "sequence without letters": (
        "DELETE FROM ops.sequence_letters",
        ("no_orphans", "mpox", "a sequence has no letters", 1, ["PX1.1"]),
    ),
    "entry without an outcome": (
        "UPDATE ops.ingest_sequence SET records = records + 1",
        ("conservation", "mpox", "the entries of a FASTA file do not add up", 1, ["run-1 genome"]),
    ),
    "sequence that does not fit": (
        "UPDATE ops.sequence_mismatch SET resolved_at = NULL WHERE sequence_id = 'PX2.1'",
        (
            "sequence_mismatches",
            "mpox",
            "a sequence does not fit its record, or is missing",
            1,
            ["genome PX2.1: no entry in the FASTA file"],
        ),
    ),
    "annotation of an unknown run": (
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
    "unknown run": (
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
    "past state that overlaps the current one": (
        "UPDATE virus_genome_history SET valid_to = valid_to + INTERVAL 1 MINUTE",
        ("history", "mpox", "a past state of a record overlaps the one after it", 1, ["PX1"]),
    ),
    "past state that overlaps another one": (
        "INSERT INTO virus_genome_history BY NAME SELECT * REPLACE (valid_from - INTERVAL 1 MINUTE AS valid_from) "
        "FROM virus_genome_history",
        ("history", "mpox", "a past state of a record overlaps the one after it", 1, ["PX1"]),
    ),
}


INDEPENDENT_BREAKAGES = [
    [
        "record twice",
        "taxon twice",
        "lineage twice",
        "annotation twice",
        "gene twice",
        "protein twice",
        "BioSample twice",
        "attribute twice",
        "sequence twice",
        "entry without an outcome",
        "sequence that does not fit",
        "unknown run",
        "unknown virus",
        "unknown ancestor",
        "line lost",
        "counts lost",
        "past state that overlaps the current one",
    ],
    [
        "sequence without letters",
        "annotation of an unknown run",
        "annotation of another version",
        "protein without a gene",
        "attribute without a BioSample",
        "run that failed",
        "unknown host",
        "count lost",
        "past state that overlaps another one",
    ],
    ["gene without an annotation"],
    ["mature peptide without a coding region"],
]
"""Breakages that can be caused together: each has the same findings as alone."""


@pytest.mark.parametrize(
    "breakages",
    [
        *(pytest.param(some, id=f"{len(some)} from {some[0]!r}") for some in INDEPENDENT_BREAKAGES),
        *(pytest.param([one], marks=pytest.mark.long, id=one) for one in BREAKAGES),
    ],
)
def test_fault_is_found_and_its_row_named(store: Store, breakages: list[str]) -> None:
    for breakage in breakages:
        store.execute(BREAKAGES[breakage][0])
    assert sorted(map(repr, store.rows(gates_sql()))) == sorted(repr(BREAKAGES[name][1]) for name in breakages)


def test_every_breakage_is_caused_with_others() -> None:
    assert sorted(name for some in INDEPENDENT_BREAKAGES for name in some) == sorted(BREAKAGES)


def test_every_fault_of_a_gate_has_a_case() -> None:
    faults = {(finding[0], finding[2]) for _, finding in BREAKAGES.values()}
    gates = {gate for gate, _ in faults}
    sql = {gate: read_sql(f"{GATES_FOLDER}/{gate}.sql") for gate in gates}
    assert all(f"'{fault}'" in sql[gate] for gate, fault in faults)
    assert sum(text.count("UNION ALL\n\nSELECT") + 1 for text in sql.values()) == len(faults)
    assert gates == {gate.name for gate in GATES if not gate.settings}


def test_examples_of_many_faulty_rows_are_named(store: Store) -> None:
    store.load(*(line(f"PY{number}.1") for number in range(1, 8)), mode="incremental")
    store.execute("INSERT INTO virus_genome FROM virus_genome")
    [(gate, source, _, count, examples)] = store.rows(gates_sql())
    assert (gate, source, count) == ("unique_keys", "mpox", 10)
    assert examples == ["PX1", "PX2", "PX3", "PY1", "PY2"]


def followed(*sources: Source) -> SourcesFile:
    return SourcesFile(Path("sources.yaml"), {source.name: source for source in sources})


def with_(**settings: Any) -> SourcesFile:
    """A sources file whose source sets these keys."""
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


def first_records(count: int) -> str:
    """An SQL condition that selects the first records."""
    return f"accession <= 'PX{count:06d}'"


@pytest.mark.slow
class TestShrinkage:
    def test_missing_records_are_named(self, site: Published) -> None:
        site.store.execute(f"DELETE FROM virus_genome WHERE {first_records(10)}")
        assert site.findings() == [
            (
                "shrinkage",
                "mpox",
                "of 40 published records, 10 are missing, more than 5.0%",
                10,
                [f"PX{number:06d}" for number in range(1, 6)],
            )
        ]

    def test_few_missing_records_do_not_block(self, site: Published) -> None:
        site.store.execute(f"DELETE FROM virus_genome WHERE {first_records(9)}")
        assert site.gates() == []

    @pytest.mark.slow
    @pytest.mark.parametrize("allowed", [0.25, None])
    def test_source_sets_the_limit_and_can_disable_the_gate(self, site: Published, allowed: float | None) -> None:
        site.store.execute(f"DELETE FROM virus_genome WHERE {first_records(10)}")
        assert site.gates(with_(max_shrinkage=allowed)) == []
        site.store.execute(f"DELETE FROM virus_genome WHERE {first_records(11)}")
        assert site.gates(with_(max_shrinkage=allowed)) == (["shrinkage"] if allowed else [])

    def test_new_records_do_not_offset_missing_ones(self, site: Published) -> None:
        site.store.load(*(line(accession) for accession in accessions(30, first=100)), mode="incremental")
        site.store.execute(f"DELETE FROM virus_genome WHERE {first_records(10)}")
        assert site.gates() == ["shrinkage"]

    def test_lost_source_is_found_even_if_not_configured(self, site: Published) -> None:
        site.store.execute("DELETE FROM virus_genome")
        assert site.gates(followed(DENGUE)) == ["shrinkage"]

    def test_records_outside_a_changed_filter_do_not_count(self, site: Published) -> None:
        other = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))
        site.store.load(*site.lines[:5], source=other, filter_changed=True)
        assert site.store.rows("SELECT count(*) FROM virus_genome_history WHERE ended_by = 'filter'") == [(35,)]
        assert site.gates(followed(other)) == []

    @pytest.mark.parametrize("accepted", [True, False])
    def test_withdrawn_records_count_unless_accepted(self, site: Published, accepted: bool) -> None:
        few = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"), max_missing=0.02 if accepted else 0.9)
        for _ in range(2):
            site.store.load(*site.lines[12:], source=few, is_census=True, accepts=Acceptance(missing=accepted))
        assert site.store.rows("SELECT count(*) FROM virus_genome_history WHERE ended_by = 'withdrawal'") == [(12,)]
        assert site.gates() == ([] if accepted else ["shrinkage"])

    def test_earlier_end_of_a_returned_record_does_not_explain_a_new_loss(self, site: Published) -> None:
        other = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))
        site.store.load(*site.lines[:5], source=other, filter_changed=True)
        site.store.load(*site.lines, source=MPOX, filter_changed=True)
        site.publish()
        site.store.execute(f"DELETE FROM virus_genome WHERE NOT {first_records(5)}")
        assert site.gates() == ["shrinkage"]

    def test_restored_warehouse_lacks_records_published_since(self, site: Published) -> None:
        older = site.store.warehouse.path.read_bytes()
        site.store.load(*(line(accession) for accession in accessions(30, first=100)), mode="incremental")
        site.publish()
        site.store.warehouse.path.write_bytes(older)
        assert site.gates() == ["shrinkage"]

    def test_published_loss_is_not_flagged_again(self, site: Published) -> None:
        site.store.execute(f"DELETE FROM virus_genome WHERE {first_records(10)}")
        site.publish()
        assert site.gates() == []

    def test_snapshot_of_an_older_version_has_other_columns(self, site: Published) -> None:
        with duckdb.connect(site.snapshot) as connection:
            connection.execute("ALTER TABLE virus_genome DROP COLUMN usa_state")
            connection.execute("ALTER TABLE virus_genome ADD COLUMN dropped_since VARCHAR")
        site.store.execute(f"DELETE FROM virus_genome WHERE {first_records(10)}")
        assert site.gates() == ["shrinkage"]


class TestEmptiedFields:
    EMPTY = "UPDATE virus_genome SET isolate_name = NULL WHERE "

    def test_field_and_records_are_named(self, site: Published) -> None:
        site.store.execute(self.EMPTY + first_records(10))
        assert site.findings() == [
            (
                "emptied_fields",
                "mpox",
                "of 40 records that had isolate_name, 10 lost it, more than 10.0%",
                10,
                [f"PX{number:06d}" for number in range(1, 6)],
            )
        ]

    @pytest.mark.slow
    def test_few_or_as_many_as_allowed_do_not_block(self, site: Published) -> None:
        site.store.execute(self.EMPTY + first_records(9))
        assert site.gates() == []
        site.store.execute(self.EMPTY + first_records(20))
        assert site.gates(with_(max_emptied=0.5)) == ["lost_fields"]
        assert site.gates(with_(max_emptied=0.49)) == ["emptied_fields"]

    def test_warning_names_field_number_and_examples(self, site: Published) -> None:
        site.store.execute(self.EMPTY + first_records(20))
        assert site.findings(with_(max_emptied=0.5)) == [
            (
                "lost_fields",
                "mpox",
                "of 40 records that had isolate_name, 20 lost it",
                20,
                [f"PX{number:06d}" for number in range(1, 6)],
            )
        ]

    @pytest.mark.slow
    def test_new_records_without_the_field_are_not_a_loss(self, site: Published) -> None:
        site.store.load(*(line(accession) for accession in accessions(300, first=100)), mode="incremental")
        assert site.gates() == []

    def test_reinstated_records_are_not_a_loss(self, site: Published) -> None:
        site.store.execute("UPDATE virus_genome SET status = 'missing', missing_since = now()")
        site.publish()
        site.store.execute("UPDATE virus_genome SET status = 'live', missing_since = NULL")
        assert site.gates() == []

    @pytest.mark.slow
    def test_every_field_is_checked(self, site: Published) -> None:
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
        faults = [fault for gate, _, fault, *_ in site.findings() if gate == "emptied_fields"]
        assert {fault.split(" had ")[1].split(",")[0] for fault in faults} == set(fields)

    def test_other_filters_and_reports_have_other_fields(self, site: Published) -> None:
        site.store.execute(self.EMPTY + "true; UPDATE ops.ingest_run SET fingerprint = 'other'")
        assert site.gates() == []

    def test_field_missing_from_the_snapshot_is_not_a_loss(self, site: Published) -> None:
        with duckdb.connect(site.snapshot) as connection:
            connection.execute("ALTER TABLE virus_genome DROP COLUMN isolate_name")
        site.store.execute(self.EMPTY + "true")
        assert site.gates() == []


TODAY = "now()::DATE"
"""Evaluated when a test runs, because a test run may begin before midnight and end after it."""

ODD_DATES = {
    "release_date": ("before GenBank's first release in 1982", "release_date = '1981-12-31'"),
    "update_date": ("in the future", f"update_date = {TODAY} + 3"),
    "collection_date": (
        "before 1800-01-01",
        "collection_date_min = '1020-01-01', collection_date_max = '1020-12-31'",
    ),
}


class TestDates:
    def test_many_new_odd_dates_block_and_all_are_warned_about(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET release_date = '2999-01-01' WHERE {first_records(10)}")
        examples = [f"PX{number:06d} 2999-01-01" for number in range(1, 6)]
        fault = "10 of 40 records have new impossible dates, more than 5.0%: "
        assert site.findings() == [
            ("dates_in_range", "mpox", f"{fault}release_date in the future", 10, examples),
            ("odd_dates", "mpox", "release_date is in the future", 10, examples),
        ]

    @pytest.mark.slow
    def test_published_odd_dates_do_not_block_again_until_they_change(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET update_date = '2999-01-01' WHERE {first_records(10)}")
        site.publish()
        assert site.gates() == ["odd_dates"]
        site.store.execute(f"UPDATE virus_genome SET update_date = '2999-01-02' WHERE {first_records(10)}")
        assert site.gates() == ["dates_in_range", "odd_dates"]

    def test_before_the_first_publication_all_are_new(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET update_date = '1900-01-02' WHERE {first_records(10)}")
        site.snapshot.unlink()
        assert site.gates() == ["dates_in_range", "odd_dates"]

    def test_few_odd_dates_only_warn(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET update_date = '1900-01-02' WHERE {first_records(9)}")
        assert site.gates() == ["odd_dates"]

    def test_source_sets_the_limit_and_can_disable_the_gate(self, site: Published) -> None:
        site.store.execute(f"UPDATE virus_genome SET update_date = '1900-01-02' WHERE {first_records(20)}")
        assert site.gates(with_(max_odd_dates=0.5)) == ["odd_dates"]
        assert site.gates(with_(max_odd_dates=None)) == []

    def test_each_date_has_its_bounds(self, site: Published) -> None:
        for accession, (_, assignment) in zip(accessions(len(ODD_DATES)), ODD_DATES.values(), strict=True):
            site.store.execute(f"UPDATE virus_genome SET {assignment} WHERE accession_version = '{accession}'")
        found = {(gate, fault, count, examples[0].split()[0]) for gate, _, fault, count, examples in site.findings()}
        assert found == {
            ("odd_dates", f"{field} is {oddity}", 1, f"PX{number:06d}")
            for number, (field, (oddity, _)) in enumerate(ODD_DATES.items(), start=1)
        }

    def test_possible_dates_are_not_reported(self, site: Published) -> None:
        assignments = [
            "release_date = '1982-12-01'",
            f"update_date = {TODAY} + 2",
            "collection_date_min = '1800-01-01', collection_date_max = '1800-01-01'",
            "collection_date_min = '1700-01-01', collection_date_max = '1899-12-31'",
            f"collection_date_min = date_trunc('year', {TODAY}), "
            f"collection_date_max = last_day(date_trunc('year', {TODAY}) + INTERVAL 11 MONTH)",
            "release_date = NULL, update_date = NULL",
        ]
        for accession, assignment in zip(accessions(len(assignments)), assignments, strict=True):
            site.store.execute(f"UPDATE virus_genome SET {assignment} WHERE accession_version = '{accession}'")
        assert site.findings() == []

    def test_source_sets_the_bounds(self, site: Published) -> None:
        site.store.execute(
            "UPDATE virus_genome SET collection_date_min = '1020-01-01', collection_date_max = '1020-12-31', "
            f"update_date = {TODAY} + 9 WHERE {first_records(1)}"
        )
        assert site.gates(with_(earliest_collection_date="1000-01-01", future_days=9)) == []


@pytest.mark.slow
class TestQuarantineShare:
    BAD = tuple(f'{{"accession": {number}' for number in range(12))

    @pytest.fixture(scope="class")
    @classmethod
    def bad_lines_loaded(cls, loaded: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
        """The warehouse after a load with twelve bad lines; only to be copied."""
        store = loaded.copy_to(tmp_path_factory.mktemp("bad_lines_loaded"))
        store.load(*Published.lines[:20], *cls.BAD, mode="incremental")
        return store

    @pytest.fixture
    def with_bad_lines(self, site: Published, bad_lines_loaded: Store) -> Published:
        """The snapshot, and this warehouse."""
        site.store = bad_lines_loaded.copy_to(site.store.folder)
        return site

    def test_report_lines_and_reasons_are_named(self, with_bad_lines: Published) -> None:
        [(gate, source, fault, count, examples)] = with_bad_lines.findings()
        assert (gate, source, count) == ("quarantine_share", "mpox", 12)
        assert fault == "of 32 new lines of the data report, 12 were quarantined, more than 10.0%"
        assert examples[0].startswith("line 21 of run-2: ")

    def test_few_do_not_block(self, site: Published) -> None:
        site.store.load(*site.lines[:20], *self.BAD[:9], mode="incremental")
        assert site.gates() == []

    def test_as_many_as_allowed_do_not_block(self, with_bad_lines: Published) -> None:
        assert with_bad_lines.gates(with_(max_quarantined=0.5)) == []
        assert with_bad_lines.gates(with_(max_quarantined=None)) == []

    def test_the_same_lines_are_not_flagged_again(self, with_bad_lines: Published) -> None:
        site = with_bad_lines
        site.publish()
        site.store.load(*site.lines[:20], *self.BAD, mode="incremental")
        assert site.gates() == []

    def test_replayed_lines_do_not_count(self, with_bad_lines: Published) -> None:
        site = with_bad_lines
        site.store.execute("UPDATE ops.quarantine SET replayed_at = now()")
        assert site.gates() == []


class TestSequenceMismatches:
    @pytest.mark.slow
    def test_those_met_first_since_the_last_snapshot_are_named(self, site: Published) -> None:
        mismatch = "('mpox', 'genome', '{}', NULL, 'no header', 1, '{}', '{}', NULL)"
        site.store.execute("INSERT INTO ops.sequence_mismatch VALUES " + mismatch.format("PX1.1", "run-1", "run-9"))
        assert site.findings() == []
        site.store.execute("INSERT INTO ops.sequence_mismatch VALUES " + mismatch.format("", "run-9", "run-9"))
        fault = "a sequence does not fit its record, or is missing"
        assert site.findings() == [("sequence_mismatches", "mpox", fault, 1, ["genome without a name: no header"])]


class TestFreshness:
    @pytest.fixture
    def ask(self, site: Published) -> Callable[[str], None]:
        def ask(watermark: str) -> None:
            site.store.execute(
                f"UPDATE ops.ingest_run SET requested_at = '2025-06-30 06:00:00+00', watermark = '{watermark}'"
            )

        return ask

    def test_missing_ncbi_updates_are_reported(self, site: Published, ask: Callable[[str], None]) -> None:
        ask("2025-06-08")
        fault = "No new NCBI updates: asked on 2025-06-30, it listed nothing updated after 2025-06-08, 22 days before"
        assert site.findings() == [("freshness", "mpox", fault, 1, ["run-1"])]

    @pytest.mark.slow
    def test_source_sets_the_days_and_null_disables_the_gate(self, site: Published, ask: Callable[[str], None]) -> None:
        ask("2025-06-08")
        assert site.gates(with_(stale_after_days=22)) == []
        assert site.gates(with_(stale_after_days=None)) == []
        ask("2025-06-09")
        assert site.gates() == []

    def test_source_that_is_not_configured_is_not_checked(self, site: Published, ask: Callable[[str], None]) -> None:
        ask("2025-01-01")
        assert site.gates(followed(DENGUE)) == []


def test_every_gate_says_why_and_what_to_do_and_is_an_sql_file() -> None:
    for gate in GATES:
        assert gate.reason
        assert gate.way_out.endswith(".")
        assert set(gate.settings) <= set(Source.model_fields)
        assert read_sql(f"{GATES_FOLDER}/{gate.name}.sql").startswith("-- ")
    assert len({gate.name for gate in GATES}) == len(GATES)


def test_gates_that_never_block() -> None:
    warns = {gate.name for gate in GATES if gate.on_failure is OnFailure.WARNS}
    assert warns == {"freshness", "lost_fields", "odd_dates", "sequence_mismatches"}
    assert set(BLOCKING) == {gate.name for gate in GATES} - warns


FOUND: list[tuple[str, str | None, str, int, list[str]]] = [
    ("unique_keys", "mpox", "a record stands twice", 7, ["PX1", "PX2"]),
    ("no_orphans", None, "a lineage names nobody", 1, ["5"]),
    ("freshness", "dengue", "NCBI stands still", 1, ["run-1"]),
]


def test_no_findings_do_not_block() -> None:
    refuse_findings([])


def test_warnings_and_accepted_findings_do_not_block() -> None:
    findings = classify_findings(FOUND, ["unique_keys", "no_orphans", "history"])
    assert [finding.outcome for finding in findings] == ["accepted", "accepted", "warned"]
    refuse_findings(findings)


def test_fault_of_a_source_blocks_only_that_source() -> None:
    findings = classify_findings(FOUND, ["no_orphans"])
    assert [finding.outcome for finding in findings] == ["held back", "accepted", "warned"]
    refuse_findings(findings)


def test_fault_without_a_source_blocks_publication_and_names_fault_place_and_remedy() -> None:
    with pytest.raises(GateFailed) as failed:
        refuse_findings(classify_findings(FOUND, ["history"]), Path("candidates/publication-1.duckdb"))
    message = str(failed.value)
    assert message.startswith("Not published, the last good snapshot stays.")
    assert "no_orphans: a lineage names nobody (1 row, such as 5)." in message
    assert "a record stands twice" not in message
    assert "NCBI stands still" not in message
    assert "This concerns no single source, so publishing is blocked until it is resolved" in message
    assert "please report it" in message
    assert "`virus-warehouse publish --accept no_orphans`" in message
    assert '`make publish ACCEPT_FINDINGS="no_orphans"`' in message
    assert 'trigger ncbi_virus_publish with the gates in its field "Accept findings"' in message
    assert "candidates/publication-1.duckdb" in message


@pytest.mark.parametrize(
    ("accepted", "source", "outcomes"),
    [
        (["unique_keys", "no_orphans"], "mpox", ["accepted", "accepted", "warned"]),
        (["unique_keys", "no_orphans"], "dengue", ["held back", "accepted", "warned"]),
        (["unique_keys"], None, ["accepted", "blocked", "warned"]),
    ],
)
def test_acceptance_applies_to_the_named_gates_and_source(
    accepted: list[str], source: str | None, outcomes: list[str]
) -> None:
    assert [finding.outcome for finding in classify_findings(FOUND, accepted, source)] == outcomes


def test_finding_is_formatted_as_one_line() -> None:
    finding = Finding("shrinkage", "accepted", "mpox", "gone", 2, ["PX1", "PX2"])
    assert str(finding) == "shrinkage of mpox: gone (2 rows, such as PX1; PX2)"
