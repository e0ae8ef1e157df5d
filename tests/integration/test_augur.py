"""Nextstrain's augur takes an export as it is: each record, its date and its sequence."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.commands import CHECKOUT
from tests.support.genuine import PACKAGES_2025, fasta_of, needs_genuine_packages, site_in, some_records
from tests.support.made_up_sequences import Sequences
from tests.support.packages import package
from tests.support.snapshots import marts_of, store_with_marts
from tests.support.warehouses import line, query
from virus_warehouse.publish.export import Format, export

Augur = Callable[..., str]

needs_seqkit = pytest.mark.skipif(
    shutil.which("seqkit") is None, reason="seqkit, which augur calls for sequences, is not installed"
)

ISOLATES = [
    ("USA/CA-1/2024", "2024-05-06"),
    ("hMPXV/Kenya 7 (2024)", "2024-05"),
    ("same", "2023"),
    ("same", "2023-12-31"),
    ('[a] "quoted", isolate\twith: tabs', "2022-11/2023-02"),
    ("'quote", "unknown"),
    ('"half a quote', "1009-08-12"),
    ("ü/Zürich/1", "2024-02-29"),
    (None, None),
    ("#12", "2035"),
    ("NA", "2024-01"),
    ("1e5", "2024-01"),
]


def is_index_in_reach() -> bool:
    command = [sys.executable, "-m", "pip", "index", "versions", "nextstrain-augur", "--disable-pip-version-check"]
    return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0


FORK_SERVER = """
import json, os, sys
import augur.filter._run
from augur.__main__ import main

augur.make_parser()  # which imports all commands
for request in sys.stdin:
    arguments, output = json.loads(request)
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        sys.argv[:] = ["augur", *arguments]
        sys.exit(main())
"""
"""Each command runs in a process forked from one that has imported augur, which takes most of a command's time."""


@pytest.fixture(scope="session")
def programs() -> Path:
    """The programs of augur's environment."""
    made = subprocess.run([CHECKOUT / "scripts" / "setup_augur"], capture_output=True, text=True, check=False)
    if made.returncode and not is_index_in_reach():
        pytest.skip("nextstrain-augur cannot be installed: the package index is out of reach")
    assert made.returncode == 0, made.stdout + made.stderr
    return CHECKOUT / ".venv-augur" / "bin"


def environment_of(programs: Path) -> dict[str, str]:
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    return environment


@pytest.fixture(scope="module")
def augur(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Augur]:
    """Runs augur, which has an environment of its own; returns what it printed."""
    output = tmp_path_factory.mktemp("augur") / "output.txt"
    with subprocess.Popen(
        [programs / "python", "-c", FORK_SERVER],
        env=environment_of(programs),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        requests, answers = server.stdin, server.stdout

        def run(*arguments: str | Path) -> str:
            requests.write(json.dumps([[str(argument) for argument in arguments], str(output)]) + "\n")
            requests.flush()
            status = answers.readline()
            said = output.read_text(encoding="utf-8")
            assert status == "0\n", said
            return said

        yield run


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a dozen records; the first two have no sequence."""
    Sequences.instead_of_the_store(monkeypatch).without = {"PX1.1", "PX2.1"}
    (tmp_path / "data").mkdir()
    store = store_with_marts(tmp_path / "data")
    places = ["USA: California, Los Angeles", "Kenya", "United Kingdom:Scotland"]
    store.load(
        *(
            line(
                f"PX{number}.1",
                isolate={key: value for key, value in (("name", name), ("collectionDate", day)) if value},
                location={"geographicLocation": places[number % len(places)]},
                submitter={"names": ["Wu,F.", "Zhao,S."], "affiliation": '"Half a quote'},
                sourceDatabase="GenBank",
            )
            for number, (name, day) in enumerate(ISOLATES, 1)
        )
    )
    export(marts_of(store), tmp_path / "out", Format.AUGUR)
    return tmp_path / "out"


def rows(file: Path) -> int:
    return file.read_text(encoding="utf-8").count("\n") - 1


def test_filter_passes_every_record(programs: Path, exported: Path) -> None:
    """By the installed program."""
    done = subprocess.run(
        [
            *(programs / "augur", "filter"),
            *("--metadata", exported / "metadata.tsv", "--output-metadata", exported / "passed.tsv"),
        ],
        env=environment_of(programs),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ISOLATES)} strains passed all filters" in done.stdout + done.stderr
    assert rows(exported / "passed.tsv") == len(ISOLATES)


@needs_seqkit
def test_filter_finds_the_sequence_of_every_record_that_has_one(augur: Augur, exported: Path) -> None:
    passed = ("--output-metadata", exported / "passed.tsv", "--output-sequences", exported / "passed.fasta")
    files = ("--metadata", exported / "metadata.tsv", "--sequences", exported / "sequences.fasta")
    said = augur("filter", *files, "--min-length", "80", "--non-nucleotide", *passed)
    assert "2 had no sequence data" in said
    assert rows(exported / "passed.tsv") == len(ISOLATES) - 2
    found = [re.findall(r"(?m)^>.*", (exported / name).read_text()) for name in ("passed.fasta", "sequences.fasta")]
    assert len(found[0]) == len(ISOLATES) - 2
    assert sorted(found[0]) == sorted(found[1])


def test_curate_reads_what_was_written(augur: Augur, exported: Path) -> None:
    files = ("--metadata", exported / "metadata.tsv", "--id-column", "strain", "--output-metadata", exported / "c.tsv")
    augur("curate", "passthru", *files)
    assert (exported / "c.tsv").read_bytes() == (exported / "metadata.tsv").read_bytes()
    augur("curate", "format-dates", *files, "--date-fields", "date", "date_released", "date_updated")
    assert (exported / "c.tsv").read_bytes() == (exported / "metadata.tsv").read_bytes()
    augur("curate", "parse-genbank-location", *files)
    assert (exported / "c.tsv").read_bytes() == (exported / "metadata.tsv").read_bytes()
    augur("curate", "abbreviate-authors", *files)
    assert rows(exported / "c.tsv") == len(ISOLATES)


def entries(files: Iterable[Path]) -> list[tuple[str, str]]:
    """The header and the letters of each entry."""
    split = (entry.partition("\n") for file in files for entry in file.read_text("utf-8").split("\n>") if entry)
    return [(header.removeprefix(">"), letters.replace("\n", "")) for header, _, letters in split]


def strains(metadata: Path) -> dict[str, str]:
    """The strain of each record, by accession.version."""
    header, *rows = [text.split("\t") for text in metadata.read_text("utf-8").removesuffix("\n").split("\n")]
    assert header[:3] == ["strain", "accession", "accession_version"]
    return {row[2]: row[0] for row in rows}


def test_sequence_of_each_odd_strain_comes_from_the_store(tmp_path: Path) -> None:
    """Names with slashes, spaces and quotes, repeated ones, some that are not ASCII, and none."""
    site = site_in(tmp_path / "data")
    letters = {f"PX{number}.1": 5 * "ACGT" + number * "G" for number in range(1, len(ISOLATES) + 1)}
    reports = [
        line(name, length=len(letters[name]), isolate={"name": isolate} if isolate else None)
        for name, (isolate, _) in zip(letters, ISOLATES, strict=True)
    ]
    fasta = "".join(f">{name} Some virus\n{sequence}\n" for name, sequence in letters.items()).encode()
    content = package(reports, others={"ncbi_dataset/data/genomic.fna": fasta})
    site.run("mpox", content, sequences=("GENOME",))
    site.run("mpox_too", content, sequences=("GENOME",))
    site.publish()
    metadata, *files = export(site.data.snapshot, tmp_path, Format.AUGUR)
    named = strains(metadata)
    assert len(set(named.values())) == len(ISOLATES)
    assert sorted(entries(files)) == sorted((named[name], sequence) for name, sequence in letters.items())


SMALL = ("thogoto", "tobacco_streak_2025-01-05")
LARGE = ("tolcndv", "cchf_orthonairovirus_haemorrhagiae", "hepatitis_e")
"""Packages of some viruses. Their reports name no segments."""


@pytest.fixture(scope="module", params=["some", pytest.param("all", marks=pytest.mark.long)])
def given(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The packages, or a part of the records of the large ones, by the names of their sources."""
    as_they_are = (*SMALL, *LARGE) if request.param == "all" else SMALL
    given = {name.partition("_")[0]: (PACKAGES_2025 / f"{name}.zip").read_bytes() for name in as_they_are}
    return given if request.param == "all" else {**given, "others": some_records(LARGE, one_in=20)}


@pytest.fixture(scope="module")
def genuine(given: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """The published snapshot of genuine packages with their sequences, and its export."""
    folder = tmp_path_factory.mktemp("genuine")
    site = site_in(folder / "data")
    for source, content in given.items():
        site.run(source, content, sequences=("GENOME",))
    site.publish()
    return site.data.snapshot, export(site.data.snapshot, folder, Format.AUGUR)


@needs_genuine_packages
def test_genuine_sequence_of_each_strain_is_that_of_its_record(
    given: dict[str, bytes], genuine: tuple[Path, list[Path]]
) -> None:
    _, (metadata, *files) = genuine
    sequences = {
        header.split()[0]: letters for content in given.values() for header, letters in fasta_of(content).items()
    }
    named = strains(metadata)
    assert len(set(named.values())) == len(named)
    assert sorted(entries(files)) == sorted((named[name], letters) for name, letters in sequences.items())


@needs_seqkit
@needs_genuine_packages
def test_genuine_sequences_pass_with_their_records(
    augur: Augur, genuine: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    _, (metadata, *files) = genuine
    for file in files:
        passed = ("--output-metadata", tmp_path / "passed.tsv", "--output-sequences", tmp_path / "passed.fasta")
        augur("filter", "--metadata", metadata, "--sequences", file, *passed)
        assert sorted(entries([tmp_path / "passed.fasta"])) == sorted(entries([file])), file.name
        assert rows(tmp_path / "passed.tsv") == len(entries([file]))


@needs_genuine_packages
def test_genuine_records_pass_and_are_counted_as_in_the_snapshot(
    augur: Augur, genuine: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    snapshot, (metadata, *_) = genuine
    since_2015 = tmp_path / "since_2015.txt"
    augur("filter", "--metadata", metadata, "--min-date", "2015-01-01", "--output-strains", since_2015)
    counted = """
        SELECT count(*), count(*) FILTER (collection_date_max >= DATE '2015-01-01') FROM virus_genome_distinct
    """
    [(records, late)] = query(snapshot, counted)
    assert len(since_2015.read_text().splitlines()) == late
    passed = tmp_path / "passed.tsv"
    augur("filter", "--metadata", metadata, "--output-metadata", passed)
    assert rows(passed) == rows(metadata) == records
    by_country = tmp_path / "by_country.txt"
    sample = ("--group-by", "country", "--sequences-per-group", "1")
    augur("filter", "--metadata", metadata, *sample, "--output-strains", by_country)
    [(countries,)] = query(snapshot, "SELECT count(DISTINCT coalesce(country, '')) FROM virus_genome")
    assert len(by_country.read_text().splitlines()) == countries
    curated = tmp_path / "curated.tsv"
    files = ("--metadata", metadata, "--output-metadata", curated)
    augur("curate", "format-dates", *files, "--date-fields", "date", "--failure-reporting", "error_all")
    assert curated.read_bytes() == metadata.read_bytes()
