"""The data dictionary, docs/tables.md, matches the comments in the snapshot."""

from pathlib import Path

import duckdb
import pytest

from scripts.tables import TABLES, dictionary
from virus_warehouse.publish.dictionary import data_dictionary
from virus_warehouse.warehouse import schema


@pytest.fixture(scope="module")
def written() -> str:
    return dictionary()


@pytest.mark.slow
def test_page_matches_the_comments(written: str) -> None:
    assert TABLES.read_text(encoding="utf-8") == written, "run make tables"


def test_every_table_and_column_is_listed_with_its_comment(written: str) -> None:
    sections = {text.split("\n", 1)[0]: text for text in written.split("\n## ")[1:]}
    for table in schema.metadata.sorted_tables:
        section = sections[table.fullname]
        assert str(table.comment) in section
        for column in table.columns:
            assert f"| `{column.name}` | `" in section
            assert f"` | {column.comment} |" in section or f"` | {column.comment} [" in section


def test_origins_of_report_columns_are_listed(written: str) -> None:
    for line in (
        "| `host_tax_id` | `BIGINT` | NCBI Taxonomy ID of the host; NULL when not stated [data_report: host.taxId] |",
        "| `status_when` | `TIMESTAMP` | When its status last changed; BioSample gives no time zone "
        "[biosample_report: status.when] |",
    ):
        assert line in written.splitlines()


def test_every_link_leads_to_a_heading(written: str) -> None:
    headings = {line.removeprefix("## ").replace(".", "") for line in written.splitlines() if line.startswith("## ")}
    links = {part.split(")")[0] for part in written.split("](#")[1:]}
    assert links == headings


def test_all_schemas_kinds_and_types_are_covered(tmp_path: Path) -> None:
    path = tmp_path / "other.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("""
            CREATE TABLE virus_genome (accession VARCHAR, ranges STRUCT(first BIGINT)[]);
            COMMENT ON TABLE virus_genome IS 'A record';
            COMMENT ON COLUMN virus_genome.accession IS 'Its accession | without version';
            CREATE SCHEMA mart;
            CREATE VIEW mart.counts AS SELECT count(*) AS records FROM virus_genome;
            COMMENT ON VIEW mart.counts IS 'All of them';
            COMMENT ON COLUMN mart.counts.records IS 'How many';
            CREATE MACRO mart.since(moment, until) AS TABLE SELECT accession, 1 AS one FROM virus_genome;
            COMMENT ON MACRO TABLE mart.since IS 'Those since then';
            CREATE MACRO stated(text) AS nullif(text, 'missing');
            COMMENT ON MACRO stated IS 'What is stated';
        """)
    text = data_dictionary(path)
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## virus_genome",
        "## stated",
        "## mart.counts",
        "## mart.since",
    ]
    for line in (
        "| [`virus_genome`](#virus_genome) | table | A record |",
        "| [`mart.since(moment, until)`](#martsince) | table macro | Those since then |",
        "| `accession` | `VARCHAR` | Its accession \\| without version |",
        '| `ranges` | `STRUCT("first" BIGINT)[]` |  |',
        "View `mart.counts`. All of them.",
        "| `records` | `BIGINT` | How many |",
        "Table macro `mart.since(moment, until)`. Those since then.",
        "| `one` | `INTEGER` |  |",
        "Macro `stated(text)`. What is stated.",
    ):
        assert line in text.splitlines()
