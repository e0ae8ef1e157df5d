"""The condition that chooses records: all of SQL's expressions, and no way to files."""

import csv
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.support.nested_lines import annotation, sample
from tests.support.snapshots import marts_of, publish_unchecked, store_with_marts
from tests.support.warehouses import DENGUE, Store, line
from virus_warehouse.publish.export import ExportError, Format, export
from virus_warehouse.publish.export_formats import selection

SECRET = "canary"

NO_CONDITION = {
    "nothing": "",
    "a comment": "-- all",
    "an unknown column": "countr = 'USA'",
    "no truth value": "accession",
    "a wrong value": "length > 'long'",
    "two conditions": "length > 1, length < 9",
    "an aggregate": "count(*) > 1",
    "every column": "*",
    "another statement": "true; DROP TABLE virus_genome",
    "a way out of the parentheses": "true) UNION ALL SELECT 'mpox', 'PX9' WHERE (true",
    "an order": "true ORDER BY accession",
    "no query at all": "COPY virus_genome TO '{beside}/new.csv'",
}

ATTACKS = {
    "read_text": "accession IN (SELECT content FROM read_text('{beside}/secret.csv'))",
    "read_csv": "EXISTS (FROM read_csv('{beside}/secret.csv', header = false))",
    "a path as a table": "EXISTS (FROM '{beside}/secret.csv')",
    "a query in a text": "EXISTS (FROM query('FROM read_text(''{beside}/secret.csv'')'))",
    "a query as JSON": "EXISTS (FROM json_execute_serialized_sql("
    "json_serialize_sql('FROM read_text(''{beside}/secret.csv'')')))",
    "glob": "EXISTS (FROM glob('{beside}/*'))",
    "around by ..": "EXISTS (FROM read_text('{out}/../beside/secret.csv'))",
}

REFUSED_ANYWAY = {
    "a variable of Python's": "EXISTS (FROM records)",
    "a URL": "EXISTS (FROM read_text('http://127.0.0.1:9/'))",
    "a change": "EXISTS (INSERT INTO virus_genome SELECT * FROM virus_genome)",
}


@pytest.fixture(scope="module")
def one_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = store_with_marts(tmp_path_factory.mktemp("data"))
    store.load(line("PX1.1"))
    return marts_of(store)


@pytest.fixture(scope="module")
def three_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = store_with_marts(tmp_path_factory.mktemp("data"))
    store.load(
        *(
            line(
                f"PX{number}.1",
                location={"geographicLocation": country},
                isolate={"name": f"isolate {number}", "collectionDate": day},
            )
            for number, country, day in ((1, "USA", "2023-05-06"), (2, "USA", "2025-01-02"), (3, "Kenya", "2025-01-02"))
        )
    )
    return marts_of(store)


@pytest.mark.parametrize("condition", NO_CONDITION.values(), ids=NO_CONDITION)
def test_what_is_no_condition_is_refused(one_record: Path, tmp_path: Path, condition: str) -> None:
    with pytest.raises(ExportError, match="is not a SQL condition on virus_genome, such as country = 'USA': "):
        export(one_record, tmp_path / "out", Format.DATAFORMAT, where=condition.format(beside=tmp_path))
    assert list((tmp_path / "out").iterdir()) == []


def attack_with(condition: str, snapshot: Path, folder: Path) -> None:
    beside, out = folder / "beside", folder / "out"
    beside.mkdir()
    (beside / "secret.csv").write_text(SECRET)
    export(snapshot, out, Format.DATAFORMAT, where=condition.format(beside=beside, out=out))


@pytest.mark.parametrize("attack", [*ATTACKS.values(), *REFUSED_ANYWAY.values()], ids=[*ATTACKS, *REFUSED_ANYWAY])
def test_condition_has_access_to_the_snapshot_only(one_record: Path, tmp_path: Path, attack: str) -> None:
    before = hashlib.sha256(one_record.read_bytes()).hexdigest()
    with pytest.raises(ExportError) as error:
        attack_with(attack, one_record, tmp_path)
    assert SECRET not in str(error.value)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["secret.csv"]
    assert hashlib.sha256(one_record.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_attack_succeeds_without_the_guard(
    one_record: Path, tmp_path: Path, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def unguarded(snapshot: Path, _: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{snapshot}' AS virus (READ_ONLY)")
            connection.execute("USE virus")
            yield connection

    monkeypatch.setattr(selection, "_guarded", unguarded)
    attack_with(attack, one_record, tmp_path)


@pytest.mark.parametrize(
    ("condition", "chosen"),
    [
        ("country = 'USA'", ["PX1.1", "PX2.1"]),
        ("country = 'USA' AND collection_date_min >= DATE '2024-01-01' -- this year", ["PX2.1"]),
        ("virus_tax_id IN (SELECT descendant_tax_id FROM taxon_lineage WHERE ancestor_tax_id = 10240)", None),
        ("taxon_name(virus_tax_id) = 'Monkeypox virus'", None),
        (
            "accession IN (FROM (SELECT accession FROM mart.submission_lag) WHERE accession < 'PX2')",
            ["PX1.1"],
        ),
        ("NULL", []),
    ],
)
def test_condition_is_any_expression_of_the_snapshot(
    three_records: Path, tmp_path: Path, condition: str, chosen: list[str] | None
) -> None:
    warnings: list[str] = []
    [file] = export(
        three_records, tmp_path / "out", Format.DATAFORMAT, where=condition, fields=["accession"], warn=warnings.append
    )
    everything = ["PX1.1", "PX2.1", "PX3.1"]
    assert file.read_text().split() == ["Accession", *(everything if chosen is None else chosen)]
    assert bool(warnings) == (chosen == [])


@pytest.mark.slow
def test_record_of_several_sources_is_exported_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.load(line("PX1.1"), line("PX2.1"))
    store.load(line("PX1.2"), line("PX3.1"), source=DENGUE)
    published = publish_unchecked(store).snapshot

    def exported(**choice: str) -> list[str]:
        [file] = export(published, tmp_path / "out", Format.DATAFORMAT, fields=["accession"], **choice)
        return file.read_text().split()[1:]

    assert exported() == ["PX1.2", "PX2.1", "PX3.1"]
    assert exported(source="mpox") == ["PX1.1", "PX2.1"]
    assert exported(where="source = 'mpox'") == ["PX1.1", "PX2.1"]
    assert exported(source="dengue", where="version = 1") == ["PX3.1"]


@pytest.mark.slow
def test_tables_have_only_what_belongs_to_the_chosen_records(tmp_path: Path) -> None:
    store = Store(tmp_path)
    pair = (line("PX1.1", biosample="SAMN1"), line("PX2.1", biosample="SAMN2"))
    further = {
        "annotation": [annotation("PX1.1", "A"), annotation("PX2.1", "B")],
        "biosamples": [sample("SAMN1"), sample("SAMN2")],
    }
    store.load(*pair, **further)
    store.load(*(text.replace('.1"', '.2"') for text in pair))
    published = publish_unchecked(store).snapshot
    files = export(published, tmp_path / "out", Format.CSV, where="accession = 'PX2'")
    rows = {}
    for file in files:
        with file.open(newline="", encoding="utf-8") as text:
            rows[file.stem] = [row.get("accession") for row in csv.DictReader(text)]
    assert (tmp_path / "out" / "mpox" / "virus_genome.csv") in files
    assert {name: rows[name] for name in ("virus_genome", "virus_genome_history", "biosample")} == {
        "virus_genome": ["PX2"],
        "virus_genome_history": ["PX2"],
        "biosample": ["SAMN2"],
    }
    assert len(rows["taxon"]) > 1
