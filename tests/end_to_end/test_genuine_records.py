"""Genuine NCBI records, served over HTTP and loaded by the DAG: all their fields are in the warehouse."""

import json
import zipfile
from datetime import date
from typing import Any

import duckdb
import pytest

from tests.support.airflow_runs import run_and_publish, task_states
from tests.support.genuine import PACKAGE, SARS_COV_2_REPORT, needs_genuine_records
from tests.support.packages import package
from tests.support.scripted_server import Answer, ScriptedServer

pytestmark = needs_genuine_records

DEPRECATED = {"isComplete", "nucleotideCompleteness", "sciName"}

COLUMNS = {
    "accession": "accession_version",
    "bioprojects": "bioprojects",
    "biosample": "biosample",
    "completeness": "completeness",
    "geneCount": "gene_count",
    "host.commonName": "host_common_name",
    "host.infraspecificNames": "host_infraspecific_names",
    "host.organismName": "host_name",
    "host.taxId": "host_tax_id",
    "isAnnotated": "is_annotated",
    "isLabHost": "is_lab_host",
    "isVaccineStrain": "is_vaccine_strain",
    "isolate.collectionDate": "collection_date",
    "isolate.name": "isolate_name",
    "isolate.source": "isolate_source",
    "labHost": "lab_host",
    "length": "length",
    "location.geographicLocation": "geo_location",
    "location.geographicRegion": "geo_region",
    "location.usaState": "usa_state",
    "maturePeptideCount": "mature_peptide_count",
    "molType": "mol_type",
    "nucleotide.sequenceHash": "sequence_hash",
    "proteinCount": "protein_count",
    "purposeOfSampling": "purpose_of_sampling",
    "releaseDate": "release_date",
    "segment": "segment",
    "sourceDatabase": "source_database",
    "sraAccessions": "sra_accessions",
    "submitter.affiliation": "submitter_affiliation",
    "submitter.country": "submitter_country",
    "submitter.names": "submitter_names",
    "updateDate": "update_date",
    "virus.commonName": "virus_common_name",
    "virus.infraspecificNames": "virus_infraspecific_names",
    "virus.organismName": "virus_name",
    "virus.pangolinClassification": "pango_lineage",
    "virus.strain": "virus_strain",
    "virus.taxId": "virus_tax_id",
}


def genuine_packages() -> dict[str, bytes]:
    return {
        "the package of June 2026, byte for byte": PACKAGE.read_bytes(),
        "the eight records of September 2025": package(SARS_COV_2_REPORT.read_text(encoding="utf-8").splitlines()),
    }


def records_of(content: bytes, tmp_path) -> list[dict[str, Any]]:
    file = tmp_path / "read.zip"
    file.write_bytes(content)
    with zipfile.ZipFile(file) as archive:
        return [json.loads(line) for line in archive.read("ncbi_dataset/data/data_report.jsonl").splitlines()]


@pytest.mark.parametrize("name", ["the package of June 2026, byte for byte", "the eight records of September 2025"])
def test_every_field_of_a_genuine_record_is_in_the_warehouse(name, follow, data, monkeypatch, tmp_path):
    content = genuine_packages()[name]
    follow("{sars2: {taxon: 2697049}}")
    with ScriptedServer(Answer(body=content)) as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        run = run_and_publish("ncbi_virus_ingest__sars2")
    assert task_states(run)["ingest"] == "success"

    records = records_of(content, tmp_path)
    with duckdb.connect(data.snapshot, read_only=True) as snapshot:
        assert snapshot.execute("SELECT count(*) FROM virus_genome").fetchone() == (len(records),)
        for record in records:
            compare(snapshot, record)


def compare(snapshot: duckdb.DuckDBPyConnection, record: dict[str, Any]) -> None:
    cursor = snapshot.execute("SELECT * FROM virus_genome WHERE accession_version = ?", [record["accession"]])
    row = dict(zip([column[0] for column in cursor.description or ()], cursor.fetchone() or (), strict=True))
    for path, value in leaves(record):
        if path.rsplit(".")[-1] in DEPRECATED:
            continue
        held = row[COLUMNS[path]]
        assert (held.isoformat() + "T00:00:00Z" if isinstance(held, date) else held) == value, path
    assert row["accession"] + "." + str(row["version"]) == record["accession"]
    for organism in ("host", "virus"):
        if "lineage" in record.get(organism, {}):
            compare_lineage(snapshot, record[organism])


def leaves(record: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in record.items():
        if key == "lineage":
            continue
        if isinstance(value, dict):
            found += leaves(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, value))
    return found


def compare_lineage(snapshot: duckdb.DuckDBPyConnection, organism: dict[str, Any]) -> None:
    held = snapshot.execute(
        "SELECT ancestor_tax_id, name FROM taxon_lineage JOIN taxon ON taxon.tax_id = ancestor_tax_id "
        "WHERE descendant_tax_id = ? ORDER BY depth DESC",
        [organism["taxId"]],
    ).fetchall()
    assert held == [(step["taxId"], step["name"]) for step in organism["lineage"]]
