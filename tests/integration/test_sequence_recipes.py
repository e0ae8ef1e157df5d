"""The recipes on sequences, on records that are made for them: the made-up ones have no second genome of a sample."""

from pathlib import Path

import duckdb
import pytest

from tests.integration.test_sequences import letters
from tests.support import packages
from tests.support.genuine import Site, site_in
from tests.support.warehouses import dicts, line
from virus_warehouse.cookbook import recipes


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path / "data")


def load(site: Site, lines: list[str], genomes: dict[str, str]) -> None:
    fasta = "".join(f">{name} Some virus\n{text}\n" for name, text in genomes.items())
    content = packages.package(lines, others={"ncbi_dataset/data/genomic.fna": fasta.encode()})
    site.run("mpox", content, sequences=("GENOME",))


def recipe(name: str) -> str:
    (found,) = (one for one in recipes() if one.name == name)
    return found.sql


def test_one_sequence_per_patient_is_the_one_with_the_most_unambiguous_letters(site: Site) -> None:
    isolate = {"name": "P1", "collectionDate": "2025-03-05"}
    ghana = {"geographicLocation": "Ghana"}
    genomes = {
        "PX1.1": letters("one", 300),
        "PX2.1": letters("two", 290) + "N" * 40,  # longer, with fewer unambiguous letters
        "PX3.1": letters("three", 310),
        "PX4.1": letters("four", 305),
        "PX5.1": letters("five", 100),
        "PX6.1": letters("six", 100),
    }
    of_record = {
        "PX1.1": {"biosample": "SAMN1"},
        "PX2.1": {"biosample": "SAMN1"},
        "PX3.1": {"isolate": isolate, "location": ghana},
        "PX4.1": {"isolate": isolate, "location": ghana},
        "PX5.1": {"isolate": isolate, "location": {"geographicLocation": "Togo"}},
        "PX6.1": {"isolate": {"name": "missing"}, "location": ghana},
    }
    bare = {"isolate": None, "biosample": None, "location": None}
    lines = [line(name, length=len(genomes[name]), **{**bare, **fields}) for name, fields in of_record.items()]
    load(site, lines, genomes)
    site.publish()
    rows = dicts(site.data.snapshot, recipe("one_sequence_per_patient").replace("2697049", "10244"))
    assert [(row["accession_version"], row["unambiguous"], row["records"]) for row in rows] == [
        ("PX1.1", 300, 2),
        ("PX3.1", 310, 2),
        ("PX5.1", 100, 1),
        ("PX6.1", 100, 1),
    ]


def test_sequences_since_the_last_build_have_new_letters_or_not(site: Site) -> None:
    names = ("PX1.1", "PX2.1", "PX3.1")
    load(site, [line(name, length=300) for name in names], {name: letters(name) for name in names})
    site.publish()
    with duckdb.connect(site.data.snapshot, read_only=True) as snapshot:
        snapshot.execute("SET TimeZone = 'UTC'")
        ((built_at,),) = snapshot.sql("SELECT max(ended_at)::VARCHAR FROM ops.ingest_run").fetchall()
    lines = [
        line("PX1.2", "2025-05-02", length=300),
        line("PX2.1", "2025-05-02", length=300, labHost="Vero E6 cells"),
        line("PX4.1", "2025-05-02", length=300),
    ]
    load(site, lines, {name: letters(name) for name in ("PX1.2", "PX2.1", "PX4.1")})
    site.publish()
    query = recipe("sequences_since_last_build").replace("2026-11-18 18:00:00+00", built_at)
    rows = dicts(site.data.snapshot, query)
    assert [(row["accession_version"], row["change"], row["has_new_letters"]) for row in rows] == [
        ("PX1.2", "revised", True),
        ("PX2.1", "revised", False),
        ("PX4.1", "new", True),
    ]
