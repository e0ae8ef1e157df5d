from pathlib import Path

import pytest
from sqlalchemy import Table

from tests.support.warehouses import Store, line, query
from virus_warehouse.warehouse import schema


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with some rows."""
    store = Store(tmp_path_factory.mktemp("warehouse"))
    store.load(line())
    return store.warehouse.path


def test_file_has_the_tables_of_the_schema(file: Path) -> None:
    tables = query(
        file, "SELECT schema_name, table_name FROM duckdb_tables() WHERE table_name <> 'alembic_version' ORDER BY ALL"
    )
    assert tables == sorted((table.schema or "main", table.name) for table in schema.metadata.sorted_tables)


def test_every_table_and_column_is_explained(file: Path) -> None:
    uncommented = query(
        file,
        "SELECT table_name, NULL FROM duckdb_tables() WHERE table_name <> 'alembic_version' AND comment IS NULL "
        "UNION ALL SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
        "AND table_name IN (SELECT table_name FROM duckdb_tables()) "
        "AND table_name <> 'alembic_version' AND comment IS NULL",
    )
    assert uncommented == []


def test_comments_are_those_of_the_schema(file: Path) -> None:
    comments = {
        (table, column): comment
        for table, column, comment in query(
            file, "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        )
    }
    for table in schema.metadata.sorted_tables:
        assert {(table.name, column.name): column.comment for column in table.columns}.items() <= comments.items()


def test_schema_has_no_index_and_no_key(file: Path) -> None:
    # An index makes a merge 15 to 30 times slower, and DuckLake has none.
    assert query(file, "SELECT table_name, index_name FROM duckdb_indexes()") == []
    keys = "SELECT table_name, constraint_type FROM duckdb_constraints() WHERE constraint_type <> 'NOT NULL'"
    assert query(file, keys) == []


def test_past_state_has_the_columns_of_a_record_and_when_and_why_it_ended() -> None:
    record = [column.name for column in schema.virus_genome.columns]
    past = [column.name for column in schema.virus_genome_history.columns]
    assert past == [*record, "valid_to", "ended_by", "ended_run_id"]


def columns(table: Table) -> str:
    return " ".join(column.name for column in table.columns)


def test_columns_of_a_record_are_those_of_the_design() -> None:
    assert columns(schema.virus_genome) == (
        "source accession version accession_version virus_tax_id virus_name virus_common_name virus_strain "
        "virus_infraspecific_names pango_lineage host_tax_id host_name host_common_name host_infraspecific_names "
        "isolate_name isolate_source collection_date collection_date_min collection_date_max "
        "collection_date_precision geo_location country country_code division geo_region usa_state release_date "
        "update_date completeness length gene_count protein_count mature_peptide_count is_annotated source_database "
        "mol_type segment biosample bioprojects sra_accessions purpose_of_sampling submitter_names "
        "submitter_affiliation submitter_country lab_host is_lab_host is_vaccine_strain sequence_hash record_hash "
        "status missing_since valid_from run_id"
    )


def test_columns_of_the_ledger_are_those_of_the_design() -> None:
    assert columns(schema.ingest_run) == (
        "run_id source mode fingerprint dag_id dag_run_id run_type try_number status error started_at ended_at "
        "updated_since until requested_at request_url attempts http_status ncbi_phid datasets_version package_bytes "
        "package_sha256 package_path lines inserted revised touched unchanged stale duplicate out_of_window "
        "quarantined withdrawn missing watermark_before watermark seconds peak_rss_mib versions archived_run_id "
        "approved_by"
    )
