from pathlib import Path

import pytest

from tests.support.nested_lines import annotation, sample
from tests.support.warehouses import Shelf, line
from virus_warehouse.publish.gates import GateFailed, gates_sql, refuse_findings


@pytest.fixture(scope="module")
def sound_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound warehouse with a present and a past, a host and a bad line."""
    shelf = Shelf(tmp_path_factory.mktemp("sound"))
    host = {"taxId": 9606, "organismName": "Homo sapiens"}
    annotated = [annotation("PX1.1", "A"), annotation("PX2.1", "A", "B")]
    sampled = [sample("SAMN1", attributes=[{"name": "host", "value": "missing"}])]
    shelf.load(line("PX1.1", host=host), line("PX2.1"), "{", annotation=annotated, biosamples=sampled)
    shelf.load(line("PX1.2", host=host), line("PX2.1"), line("PX3.1", virus=None))
    return shelf.warehouse.path.read_bytes()


@pytest.fixture
def shelf(tmp_path: Path, sound_file: bytes) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.warehouse.path.write_bytes(sound_file)
    return shelf


def test_sound_warehouse_passes(shelf: Shelf) -> None:
    assert shelf.rows(gates_sql()) == []


def test_empty_warehouse_passes(tmp_path: Path) -> None:
    assert Shelf(tmp_path).rows(gates_sql()) == []


BREAKAGES = {
    "record twice": (
        "INSERT INTO virus_genome FROM virus_genome WHERE accession = 'PX1'",
        ("unique keys", "a record of a source stands more than once in virus_genome", 1, ["mpox PX1"]),
    ),
    "taxon twice": (
        "INSERT INTO taxon FROM taxon WHERE tax_id = 10240",
        ("unique keys", "a taxon stands more than once in taxon", 1, ["10240"]),
    ),
    "lineage twice": (
        "INSERT INTO taxon_lineage FROM taxon_lineage WHERE descendant_tax_id = 10239",
        ("unique keys", "a pair stands more than once in taxon_lineage", 1, ["10239 under 10239"]),
    ),
    "annotation twice": (
        "INSERT INTO virus_annotation FROM virus_annotation",
        ("unique keys", "a genome has more than one annotation", 1, ["mpox PX2"]),
    ),
    "gene twice": (
        "INSERT INTO virus_gene FROM virus_gene WHERE name = 'B'",
        ("unique keys", "a gene of a genome stands more than once", 1, ["mpox PX2 2"]),
    ),
    "protein twice": (
        "INSERT INTO virus_protein FROM virus_protein WHERE name = 'B peptide'",
        ("unique keys", "a protein of a genome stands more than once", 1, ["mpox PX2 4"]),
    ),
    "BioSample twice": (
        "INSERT INTO biosample FROM biosample",
        ("unique keys", "a BioSample of a source stands more than once", 1, ["mpox SAMN1"]),
    ),
    "attribute twice": (
        "INSERT INTO biosample_attribute FROM biosample_attribute",
        ("unique keys", "an attribute of a BioSample stands more than once", 1, ["mpox SAMN1 1"]),
    ),
    "annotation of a run that nobody knows": (
        "UPDATE virus_annotation SET run_id = 'run-9'",
        ("no orphans", "an annotation or a BioSample names a run that did not commit", 1, ["mpox PX2 of run-9"]),
    ),
    "annotation of another version": (
        "UPDATE virus_annotation SET accession_version = 'PX2.2'",
        ("no orphans", "an annotation is of no genome version that is held", 1, ["mpox PX2.2"]),
    ),
    "gene without an annotation": (
        "DELETE FROM virus_annotation; DELETE FROM virus_gene WHERE name = 'B'; "
        "DELETE FROM virus_protein WHERE name LIKE 'B%'",
        ("no orphans", "a gene is of no annotation that is held", 1, ["mpox PX2 1"]),
    ),
    "protein without a gene": (
        "DELETE FROM virus_gene WHERE name = 'B'; DELETE FROM virus_protein WHERE name = 'B peptide'",
        ("no orphans", "a protein is of no gene that is held", 1, ["mpox PX2 3"]),
    ),
    "mature peptide without a coding region": (
        "DELETE FROM virus_protein WHERE name = 'B polyprotein'",
        ("no orphans", "a mature peptide is of no coding region that is held", 1, ["mpox PX2 4"]),
    ),
    "attribute without a BioSample": (
        "DELETE FROM biosample",
        ("no orphans", "an attribute is of no BioSample that is held", 1, ["mpox SAMN1 1"]),
    ),
    "run that nobody knows": (
        "UPDATE virus_genome SET run_id = 'run-9' WHERE accession = 'PX2'",
        ("no orphans", "a record names a run that did not commit", 1, ["mpox PX2 of run-9"]),
    ),
    "run that failed": (
        "UPDATE ops.ingest_run SET status = 'failed' WHERE run_id = 'run-2'",
        ("no orphans", "a record names a run that did not commit", 2, ["mpox PX1 of run-2", "mpox PX3 of run-2"]),
    ),
    "unknown virus": (
        "UPDATE virus_genome SET virus_tax_id = 5 WHERE accession = 'PX2'",
        ("no orphans", "a record names a virus or host that taxon lacks", 1, ["mpox PX2"]),
    ),
    "unknown host": (
        "DELETE FROM taxon_lineage WHERE descendant_tax_id = 9606; DELETE FROM taxon WHERE tax_id = 9606",
        ("no orphans", "a record names a virus or host that taxon lacks", 1, ["mpox PX1"]),
    ),
    "unknown ancestor": (
        "INSERT INTO taxon_lineage VALUES (10244, 5, 9)",
        ("no orphans", "a lineage names a taxon that taxon lacks", 1, ["5"]),
    ),
    "line lost": (
        "UPDATE ops.ingest_report SET lines = lines + 1 WHERE run_id = 'run-1' AND report = 'data_report'",
        ("conservation", "the lines of a report do not add up", 1, ["run-1 data_report"]),
    ),
    "count lost": (
        "UPDATE ops.ingest_report SET stale = NULL WHERE run_id = 'run-2'",
        ("conservation", "the lines of a report do not add up", 1, ["run-2 data_report"]),
    ),
    "counts lost": (
        "DELETE FROM ops.ingest_report WHERE run_id = 'run-2'",
        ("conservation", "a committed run lost its report counts", 1, ["run-2"]),
    ),
    "past that reaches into the present": (
        "UPDATE virus_genome_history SET valid_to = valid_to + INTERVAL 1 MINUTE",
        ("history", "a past state of a record overlaps the one after it", 1, ["mpox PX1"]),
    ),
    "past that reaches into another past": (
        "INSERT INTO virus_genome_history BY NAME SELECT * REPLACE (valid_from - INTERVAL 1 MINUTE AS valid_from) "
        "FROM virus_genome_history",
        ("history", "a past state of a record overlaps the one after it", 1, ["mpox PX1"]),
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_broken_warehouse_is_found_out_and_the_row_named(shelf: Shelf, breakage: str) -> None:
    statement, finding = BREAKAGES[breakage]
    shelf.execute(statement)
    assert shelf.rows(gates_sql()) == [finding]


def test_every_gate_is_broken_once() -> None:
    gates = {finding[:2] for _, finding in BREAKAGES.values()}
    for gate, reason in gates:
        assert f"'{gate}'" in gates_sql()
        assert f"'{reason}'" in gates_sql()
    assert gates_sql().count("UNION ALL\n\n    SELECT") + 1 == len(gates)


def test_some_of_many_rows_at_fault_are_named(shelf: Shelf) -> None:
    shelf.load(*(line(f"PY{number}.1") for number in range(1, 8)), mode="incremental")
    shelf.execute("INSERT INTO virus_genome FROM virus_genome")
    [(gate, _, count, examples)] = shelf.rows(gates_sql())
    assert (gate, count) == ("unique keys", 10)
    assert examples == ["mpox PX1", "mpox PX2", "mpox PX3", "mpox PY1", "mpox PY2"]


def test_nothing_found_stops_nothing() -> None:
    refuse_findings([])


def test_findings_stop_the_publication_with_what_and_where() -> None:
    findings = [
        ("unique keys", "a record stands twice", 7, ["mpox PX1", "mpox PX2"]),
        ("conservation", "lines do not add up", 1, ["run-1"]),
    ]
    with pytest.raises(GateFailed) as failed:
        refuse_findings(findings)
    message = str(failed.value)
    assert message.startswith("Not published, the last good snapshot stays.")
    assert "unique keys: a record stands twice (7 rows, such as mpox PX1; mpox PX2)." in message
    assert "conservation: lines do not add up (1 rows, such as run-1)." in message
