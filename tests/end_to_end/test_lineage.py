"""The lineage that Airflow's OpenLineage provider sends of a load, as its file transport writes it."""

import json
import subprocess
import sys
from typing import Any

from virus_warehouse.publish.origins import ORIGINS
from virus_warehouse.warehouse.schema import metadata


def test_load_sends_inputs_outputs_and_columns(ingested) -> None:
    events = [json.loads(line) for line in ingested.lineage.read_text(encoding="utf-8").splitlines()]
    [event] = [
        event
        for event in events
        if event["eventType"] == "COMPLETE" and event["job"]["name"] == "ncbi_virus_ingest__mpox.ingest"
    ]

    reports = {
        report: f"/datasets/v2/virus/taxon/10244/genome/download/{report}.jsonl"
        for report in ("data_report", "annotation_report")
    }
    server = ingested.stand_in_url.removesuffix("/datasets/v2")
    assert [(each["namespace"], each["name"]) for each in event["inputs"]] == [
        (server, name) for name in reports.values()
    ]
    lines = event["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"]
    assert lines > 50

    outputs = {each["name"]: each for each in event["outputs"]}
    filled = [table for table, (report, _) in ORIGINS.items() if report in reports]
    assert set(outputs) == {f"warehouse.main.{table}" for table in filled}
    assert {each["namespace"] for each in outputs.values()} == {f"duckdb://{ingested.data.warehouse}"}
    genome = outputs["warehouse.main.virus_genome"]
    assert genome["outputFacets"]["outputStatistics"]["rowCount"] == lines
    for table in filled:
        assert columns_of(outputs[f"warehouse.main.{table}"]) == {
            column.name: column.comment for column in metadata.tables[table].columns
        }
    [country] = [each for each in genome["facets"]["schema"]["fields"] if each["name"] == "country"]
    assert country["type"] == "VARCHAR"
    assert origins_of(genome, "country") == [(server, reports["data_report"], "location.geographicLocation")]
    gene = outputs["warehouse.main.virus_gene"]
    assert origins_of(gene, "name") == [(server, reports["annotation_report"], "genes[].name")]


def test_operator_needs_no_openlineage() -> None:
    without = (
        "import sys; sys.modules['openlineage'] = None; "
        "from ncbi_virus.operators.ncbi_virus_to_duckdb import NcbiVirusToDuckDBOperator as Operator; "
        "print(Operator(task_id='ingest', source='mpox').source_name)"
    )
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["mpox"], done.stderr


def columns_of(dataset: dict[str, Any]) -> dict[str, str | None]:
    return {each["name"]: each.get("description") for each in dataset["facets"]["schema"]["fields"]}


def origins_of(dataset: dict[str, Any], column: str) -> list[tuple[str, str, str]]:
    fields = dataset["facets"]["columnLineage"]["fields"][column]["inputFields"]
    return [(each["namespace"], each["name"], each["field"]) for each in fields]
