"""The command `fasta`: the sequences of a selection, in its order, under any header."""

import gzip
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from tests.integration.test_sequences import fasta, letters, package
from tests.support.genuine import Site, site_in
from virus_warehouse.cli.app import app
from virus_warehouse.cli.fasta import INCOMPLETE
from virus_warehouse.sequences.fasta_writer import SelectionError, write_fasta

NAMES = ("PX1_1", "PX2_1", "PX3_2", "PX4_1")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with four records, the last without a sequence, and one of another source with the same letters."""
    site = site_in(tmp_path_factory.mktemp("fasta"))
    site.run("mpox", package(dict.fromkeys(("PX3_1",), 300), fasta(PX3_1=letters("old"))), sequences=("GENOME",))
    site.run(
        "mpox",
        package(dict.fromkeys(NAMES, 300), fasta(**{name: letters(name) for name in NAMES[:3]})),
        sequences=("GENOME",),
    )
    site.run("mpox_too", package({"PX1_1": 300}, fasta(PX1_1=letters("PX1_1"))), sequences=("GENOME",))
    site.publish()
    return site


@pytest.fixture
def run(site: Site, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("VIRUS_DATA", str(site.data.root))
    return lambda *arguments: CliRunner().invoke(app, ["fasta", *arguments])


def entries(text: str) -> list[tuple[str, str]]:
    split = (entry.partition("\n") for entry in text.removeprefix(">").split("\n>") if entry)
    return [(header, sequence.replace("\n", "")) for header, _, sequence in split]


def test_order_of_the_query_is_kept(run) -> None:  # type: ignore[no-untyped-def]
    result = run(
        "SELECT accession FROM virus_genome WHERE accession < 'PX4' AND source = 'mpox' ORDER BY accession DESC"
    )
    assert result.exit_code == 0, result.stderr
    assert entries(result.stdout) == [
        (f"{name.replace('_', '.')} Some virus", letters(name)) for name in ("PX3_2", "PX2_1", "PX1_1")
    ]
    assert result.stderr == "3 sequences written\n"


def test_record_of_two_sources_is_written_once(run) -> None:  # type: ignore[no-untyped-def]
    assert len(entries(run("SELECT accession FROM virus_genome WHERE accession = 'PX1'").stdout)) == 1


def test_past_version_is_written_by_its_name(run) -> None:  # type: ignore[no-untyped-def]
    assert entries(run("SELECT 'PX3.1' AS accession_version").stdout) == [("PX3.1 Some virus", letters("old"))]
    assert entries(run("SELECT 'PX3.1' AS accession").stdout) == [("PX3.1 Some virus", letters("old"))]


def test_header_is_made_of_a_template(run) -> None:  # type: ignore[no-untyped-def]
    result = run("--where", "accession = 'PX2'", "--header", "{accession_version}|{country}|{update_date}|{length}")
    assert entries(result.stdout) == [("PX2.1||2025-05-01|300", letters("PX2_1"))]


def test_header_may_be_a_column_of_the_query(run) -> None:  # type: ignore[no-untyped-def]
    result = run("SELECT accession, 'a ' || accession || chr(10) || 'b' AS header FROM virus_genome LIMIT 1")
    assert entries(result.stdout)[0][0] == "a PX1 b"
    result = run("SELECT accession, 7 AS mine FROM virus_genome LIMIT 1", "--header", "{mine}-{header}")
    assert entries(result.stdout)[0][0] == "7-PX1.1 Some virus"


def test_sequence_id_chooses_one_of_the_sequences_of_a_record(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    coding = b">PX1.1:1-9 one\nATGACGTAA\n>PX1.1:11-19 other\nATGCCGTAA\n"
    content = package({"PX1_1": 300}, None, cds_fna=coding)
    assert site.run("mpox", content, sequences=("CDS",)).sequences["cds"]["stored"] == 2
    site.publish()
    written = io.BytesIO()
    query = "SELECT accession_version, sequence_id FROM virus_sequence WHERE header LIKE '% other'"
    with duckdb.connect(site.data.snapshot, read_only=True) as snapshot:
        assert write_fasta(snapshot, query, written, "cds").missing == []
    assert entries(written.getvalue().decode()) == [("PX1.1:11-19 other", "ATGCCGTAA")]


def test_record_without_a_sequence_is_named_and_the_others_are_written(run) -> None:  # type: ignore[no-untyped-def]
    result = run("SELECT unnest(['PX4', 'PX1', 'PX99.1']) AS accession")
    assert result.exit_code == INCOMPLETE
    assert [name for name, _ in entries(result.stdout)] == ["PX1.1 Some virus"]
    assert result.stderr == "1 sequence written\n2 records have no genome sequence: PX4, PX99.1\n"


def test_record_selected_again_is_written_again_under_another_header_only(run) -> None:  # type: ignore[no-untyped-def]
    result = run("SELECT 'PX1' AS accession, unnest(['a', 'b', 'a', ' b ']) AS header")
    assert (result.exit_code, result.stderr) == (0, "2 sequences written\n")
    assert entries(result.stdout) == [("a", letters("PX1_1")), ("b", letters("PX1_1"))]


def test_row_without_an_accession_is_named_null(run) -> None:  # type: ignore[no-untyped-def]
    result = run("SELECT unnest([NULL, 'PX1', NULL]) AS accession")
    assert (result.exit_code, len(entries(result.stdout))) == (INCOMPLETE, 1)
    assert result.stderr == "1 sequence written\n1 record has no genome sequence: NULL\n"


def test_column_of_any_name_can_be_in_the_header(run) -> None:  # type: ignore[no-untyped-def]
    result = run("""SELECT 'PX1' AS accession, 'x' AS "it's ""a"" name" """, "--header", """{it's "a" name}""")
    assert [name for name, _ in entries(result.stdout)] == ["x"], result.stderr


def test_sources_that_differ_give_the_newest_version_and_the_letters_loaded_last(tmp_path: Path) -> None:
    """Sources are loaded at different times, and letters may change without a new version."""
    site = site_in(tmp_path)
    for source, reported, genomes in (
        ("a", {"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("first"), PX2_1=letters("two"))),
        ("b", {"PX1_1": 310, "PX2_2": 320}, fasta(PX1_1=letters("later", 310), PX2_2=letters("new", 320))),
        ("c", {"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("last"), PX2_1=letters("two"))),
    ):
        site.run(source, package(reported, genomes), sequences=("GENOME",))
    site.publish()
    written = io.BytesIO()
    with duckdb.connect(site.data.snapshot, read_only=True) as snapshot:
        write_fasta(snapshot, "SELECT unnest(['PX1', 'PX2']) AS accession", written)
    assert [sequence for _, sequence in entries(written.getvalue().decode())] == [letters("last"), letters("new", 320)]


def test_query_may_end_in_a_semicolon_and_a_comment(run) -> None:  # type: ignore[no-untyped-def]
    for end in (";", "-- one", ";\n-- one\n"):
        assert len(entries(run(f"SELECT accession FROM virus_genome WHERE accession = 'PX1'{end}").stdout)) == 1


def test_record_whose_letters_are_lost_is_named(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    genomes = fasta(PX1_1=letters("a"), PX2_1=letters("b"))
    site.run("mpox", package({"PX1_1": 300, "PX2_1": 300}, genomes), sequences=("GENOME",))
    site.publish()
    with duckdb.connect(site.data.snapshot) as snapshot:
        snapshot.execute("UPDATE ops.sequence_letters SET position = 7 WHERE position = 1")
    written = io.BytesIO()
    with duckdb.connect(site.data.snapshot, read_only=True) as snapshot:
        result = write_fasta(snapshot, "SELECT accession FROM virus_genome", written)
    assert (result.written, result.missing) == (1, ["PX2"])
    assert entries(written.getvalue().decode()) == [("PX1.1 Some virus", letters("a"))]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_file_is_compressed_by_its_name(run, tmp_path: Path, suffix: str) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / f"mpox.fasta{suffix}"
    result = run("--source", "mpox_too", "--to", str(file))
    assert (result.exit_code, result.stdout) == (0, "")
    content = file.read_bytes()
    if suffix == ".gz":
        content = gzip.decompress(content)
    elif suffix == ".zst":
        content = pa.input_stream(str(file), compression="zstd").read()
    assert entries(content.decode()) == [("PX1.1 Some virus", letters("PX1_1"))]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_pipe_is_written_to_and_not_replaced(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pipe = tmp_path / "pipe.fasta"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        assert run("--source", "mpox_too", "--to", str(pipe)).exit_code == 0
        assert pipe.is_fifo()
        assert entries(read.result(60)) == [("PX1.1 Some virus", letters("PX1_1"))]


def test_folder_is_not_taken_for_a_file(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = run("--source", "mpox_too", "--to", str(tmp_path))
    assert (result.exit_code, result.stderr) == (1, f"[Errno 21] Is a directory: '{tmp_path}'\n")


def test_file_of_an_earlier_time_stays_when_nothing_can_be_written(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "mpox.fasta"
    file.write_text("earlier")
    assert run("SELECT nothing FROM virus_genome", "--to", str(file)).exit_code == 1
    assert run("SELECT 1 AS other", "--to", str(file)).exit_code == 2
    assert file.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a QUERY, or --source, or --where"),
        (["SELECT accession FROM virus_genome", "--source", "mpox"], "give one or the other"),
        (["--source", "unknown"], "the snapshot has no source 'unknown'; it has mpox, mpox_too"),
        (["SELECT 1 AS other"], "no column accession or accession_version; it has other"),
        (["DROP TABLE virus_genome"], "the query is not one SELECT"),
        (["SELECT 1 AS accession; SELECT 2"], "the query is not one SELECT"),
        (["--source", "mpox", "--header", "{nothing}"], "names 'nothing'; allowed are accession_version"),
        (["--source", "mpox", "--header", "{length:>9}"], "write plain {length}"),
        (["--source", "mpox", "--header", "{length"], "the header '{length' cannot be read"),
        (["--source", "mpox", "--molecule", "rna"], "'rna' is not one of genome, cds, protein"),
    ],
)
def test_wrong_usage_is_explained(run, arguments: list[str], message: str) -> None:  # type: ignore[no-untyped-def]
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_query_cannot_write(site: Site) -> None:
    with duckdb.connect(site.data.snapshot, read_only=True) as snapshot, pytest.raises(SelectionError):
        write_fasta(snapshot, "CREATE TABLE x AS SELECT 1 AS accession", io.BytesIO())
