from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from tests.support.warehouses import accessions, line, lineage, report, stage_bytes
from virus_warehouse.session import private_session

Pairs = set[tuple[int, int, int]]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    with private_session(tmp_path) as connection:
        yield connection


class Taxonomy:
    """The taxa of a report with these organisms."""

    def __init__(self, session: DuckDBPyConnection, folder: Path, *organisms: dict[str, Any] | None) -> None:
        lines = (
            line(accession, virus=organism) for accession, organism in zip(accessions(99), organisms, strict=False)
        )
        stage_bytes(session, folder, report(tuple(lines)))
        names = "SELECT tax_id, coalesce(name, organism_name) FROM taxon_seen"
        self.names = dict(session.execute(names).fetchall())
        pairs = session.execute("SELECT descendant_tax_id, ancestor_tax_id, depth FROM taxon_lineage_seen").fetchall()
        self.pairs: Pairs = {(descendant, ancestor, depth) for descendant, ancestor, depth in pairs}
        assert len({pair[:2] for pair in self.pairs}) == len(pairs), "a pair is duplicated"
        [(taxa,)] = session.execute("SELECT count(*) FROM taxon_seen").fetchall()
        assert taxa == len(self.names), "a taxon is duplicated"


def organism(tax_id: int | None, name: str | None, steps: Any = None, **others: Any) -> dict[str, Any]:
    fields = {"taxId": tax_id, "organismName": name, "lineage": steps, **others}
    return {key: value for key, value in fields.items() if value is not None}


MPOX = organism(10244, "mpox", lineage((1, "root"), (10239, "Viruses"), (10244, "mpox")))


def test_every_taxon_has_its_ancestors_and_itself_at_distance_zero(session: DuckDBPyConnection, tmp_path: Path) -> None:
    taxonomy = Taxonomy(session, tmp_path, MPOX)
    assert taxonomy.names == {1: "root", 10239: "Viruses", 10244: "mpox"}
    assert taxonomy.pairs == {
        (1, 1, 0),
        (10239, 10239, 0),
        (10239, 1, 1),
        (10244, 10244, 0),
        (10244, 10239, 1),
        (10244, 1, 2),
    }


def test_hosts_are_taxa_like_viruses(session: DuckDBPyConnection, tmp_path: Path) -> None:
    host = organism(9606, "Homo sapiens", lineage((9605, "Homo"), (9606, "Homo sapiens")))
    stage_bytes(session, tmp_path, report((line(virus=MPOX, host=host),)))
    assert session.execute("SELECT name FROM taxon_seen WHERE tax_id = 9605").fetchall() == [("Homo",)]
    assert (9606, 9605, 1) in session.execute("FROM taxon_lineage_seen").fetchall()


def test_same_organism_in_many_records_is_stored_once(session: DuckDBPyConnection, tmp_path: Path) -> None:
    assert Taxonomy(session, tmp_path, *[MPOX] * 50).pairs == Taxonomy(session, tmp_path, MPOX).pairs


def test_lineage_that_lacks_the_taxon_itself_gets_it(session: DuckDBPyConnection, tmp_path: Path) -> None:
    without_itself = organism(10244, "mpox", lineage((1, "root"), (10239, "Viruses")))
    taxonomy = Taxonomy(session, tmp_path, without_itself)
    assert taxonomy.pairs == Taxonomy(session, tmp_path, MPOX).pairs
    assert taxonomy.names[10244] == "mpox"


def test_lineage_without_a_tax_id_leaves_the_taxon_alone(session: DuckDBPyConnection, tmp_path: Path) -> None:
    without_tax_id: dict[int, Any] = {5: None, 6: [], 7: [{}], 8: [{"name": "Viruses"}]}
    organisms = [organism(tax_id, f"taxon {tax_id}", steps) for tax_id, steps in without_tax_id.items()]
    taxonomy = Taxonomy(session, tmp_path, *organisms, MPOX)
    for tax_id in without_tax_id:
        assert taxonomy.names[tax_id] == f"taxon {tax_id}"
        assert {pair for pair in taxonomy.pairs if pair[0] == tax_id} == {(tax_id, tax_id, 0)}
    assert (10244, 1, 2) in taxonomy.pairs


def test_mistyped_lineage_refuses_its_line_and_no_other(session: DuckDBPyConnection, tmp_path: Path) -> None:
    mistyped: list[tuple[Any, str]] = [
        ("Viruses", ': "Viruses" is not a list'),
        (5, ": 5 is not a list"),
        ({}, ": {} is not a list"),
        ([None], "[0]: null is not an object"),
        ([{"taxId": 1}, 5], "[1]: 5 is not an object"),
        (["Viruses"], '[0]: "Viruses" is not an object'),
        ([{"taxId": "x"}], '[0].taxId: "x" is not a whole number'),
        ([{"taxId": 1.5}], "[0].taxId: 1.5 is not a whole number"),
        ([{"taxId": 1, "name": 2}], "[0].name: 2 is not a text"),
        ([[1]], "[0]: [1] is not an object"),
    ]
    organisms = [organism(50 + number, "mistyped", steps) for number, (steps, _) in enumerate(mistyped)]
    taxonomy = Taxonomy(session, tmp_path, *organisms, MPOX)
    assert session.execute("SELECT line_number, reason FROM quarantined_line ORDER BY 1").fetchall() == [
        (number, f"virus.lineage{reason}") for number, (_, reason) in enumerate(mistyped, start=1)
    ]
    assert taxonomy.names.keys() == Taxonomy(session, tmp_path, MPOX).names.keys()
    assert (10244, 1, 2) in taxonomy.pairs


def test_fullest_lineage_wins_regardless_of_its_text(session: DuckDBPyConnection, tmp_path: Path) -> None:
    flies, organisms = range(70, 78), []
    for fly in flies:
        full = organism(fly, "fly", lineage((1, "root"), (50557, "Insecta"), (fly, "fly")))
        lesser = (
            [{"taxId": fly}],
            [{"taxId": fly, "name": "z"}],
            [{"zz": 1}, {"taxId": fly}],
            lineage((1, "ro"), (fly, "fly")),
        )[fly % 4]
        both = full, organism(fly, "fly", lesser)
        organisms += both if fly < 74 else both[::-1]
    taxonomy = Taxonomy(session, tmp_path, *organisms)
    for fly in flies:
        assert {pair for pair in taxonomy.pairs if pair[0] == fly} == {(fly, fly, 0), (fly, 50557, 1), (fly, 1, 2)}


def test_unnamed_step_is_named_by_another_lineage_or_the_record(session: DuckDBPyConnection, tmp_path: Path) -> None:
    unnamed_steps = [{"taxId": 1}, {"taxId": 10239, "name": ""}, {"taxId": 10244}]
    taxonomy = Taxonomy(session, tmp_path, organism(10244, "monkeypox", unnamed_steps), MPOX)
    assert taxonomy.names == {1: "root", 10239: "Viruses", 10244: "mpox"}
    taxonomy = Taxonomy(session, tmp_path, organism(10244, "monkeypox", unnamed_steps))
    assert taxonomy.names == {1: None, 10239: None, 10244: "monkeypox"}


def test_own_lineage_takes_precedence_for_the_name_of_a_taxon(session: DuckDBPyConnection, tmp_path: Path) -> None:
    above = organism(5, "five", lineage((10244, "an old name"), (5, "five")))
    taxonomy = Taxonomy(session, tmp_path, above, {**MPOX, "organismName": "a family"})
    assert taxonomy.names[10244] == "mpox"


def test_unnamed_step_is_kept(session: DuckDBPyConnection, tmp_path: Path) -> None:
    taxonomy = Taxonomy(session, tmp_path, organism(5, "five", [{"taxId": 1}, {"taxId": 5}]))
    assert taxonomy.pairs == {(1, 1, 0), (5, 5, 0), (5, 1, 1)}


def test_lineage_of_another_record_fills_an_absent_one(session: DuckDBPyConnection, tmp_path: Path) -> None:
    taxonomy = Taxonomy(session, tmp_path, organism(10244, "mpox"), MPOX, organism(10244, "mpox"))
    assert taxonomy.pairs == Taxonomy(session, tmp_path, MPOX).pairs


def test_organism_without_a_tax_id_is_not_a_taxon(session: DuckDBPyConnection, tmp_path: Path) -> None:
    assert Taxonomy(session, tmp_path, organism(None, "unknown", lineage((1, "root"))), None).names == {}


def test_rank_that_comes_twice_in_a_lineage_is_one_pair(session: DuckDBPyConnection, tmp_path: Path) -> None:
    steps = lineage((1, "root"), (7, "seven"), (7, "seven"))
    assert Taxonomy(session, tmp_path, organism(5, "five", steps)).pairs >= {(5, 5, 0), (5, 7, 1), (5, 1, 3)}


def test_disagreeing_lineages_give_each_taxon_one_line_of_ancestors(
    session: DuckDBPyConnection, tmp_path: Path
) -> None:
    first = organism(20, "twenty", lineage((1, "root"), (2, "old"), (10, "ten"), (20, "twenty")))
    second = organism(30, "thirty", lineage((1, "root"), (3, "new"), (10, "ten"), (30, "thirty")))
    for organisms in ((first, second), (second, first)):
        taxonomy = Taxonomy(session, tmp_path, *organisms)
        assert {pair for pair in taxonomy.pairs if pair[0] == 10} == {(10, 10, 0), (10, 2, 1), (10, 1, 2)}
        assert {pair for pair in taxonomy.pairs if pair[0] == 30} == {(30, 30, 0), (30, 10, 1), (30, 3, 2), (30, 1, 3)}
