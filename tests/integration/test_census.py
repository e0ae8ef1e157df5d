"""Censuses as complete runs over HTTP: their effect on the ledger, the run file and the next run."""

import json
from typing import Any

import pytest

from tests.support.followed import MPOX, Followed
from tests.support.warehouses import dicts, query
from virus_warehouse.package_source import EmptyFullLoad
from virus_warehouse.warehouse.load_gates import GateError


@pytest.fixture
def followed(followed: Followed) -> Followed:
    for number in range(40):
        followed.show(f"PX{number:02d}", 1)
    followed.run()
    return followed


def last_run(followed: Followed) -> dict[str, Any]:
    return dicts(followed.data.warehouse, "FROM ops.ingest_run ORDER BY started_at DESC LIMIT 1")[0]


def run_file(followed: Followed) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads((followed.data.runs / f"{last_run(followed)['run_id']}.json").read_text())
    return contents


def drop(followed: Followed, *numbers: int) -> None:
    for number in numbers:
        del followed.ncbi.world.records[f"PX{number:02d}"]


def test_ledger_and_run_file_name_missing_and_withdrawn_records(followed: Followed) -> None:
    drop(followed, 3, 7)
    followed.run(mode="census")
    row = last_run(followed)
    assert (row["mode"], row["status"], row["missing"], row["withdrawn"]) == ("full", "success", 2, 0)
    assert run_file(followed)["missing_accessions"] == ["PX03", "PX07"]
    followed.show("PX07", 1)
    followed.run()
    row = last_run(followed)
    assert (row["mode"], row["missing"], row["withdrawn"]) == ("incremental", None, 0)
    result = followed.run(mode="census")
    row = last_run(followed)
    assert (row["missing"], row["withdrawn"], result.changed) == (0, 1, True)
    assert query(followed.data.warehouse, "SELECT accession, ended_run_id FROM virus_genome_history") == [
        ("PX03", result.run_id)
    ]


def test_census_stopped_by_mass_loss_limit_names_missing_records(followed: Followed) -> None:
    drop(followed, *range(10))
    with pytest.raises(GateError, match="lacks 10 of the 40 held records"):
        followed.run(mode="census")
    row = last_run(followed)
    assert (row["status"], row["missing"], row["withdrawn"]) == ("failed", None, None)
    assert run_file(followed)["missing_accessions"] == [f"PX{number:02d}" for number in range(10)]
    assert query(followed.data.warehouse, "SELECT DISTINCT status FROM virus_genome") == [("live",)]


def test_empty_census_fails_unless_the_source_allows_empty(followed: Followed) -> None:
    followed.ncbi.world.records.clear()
    with pytest.raises(EmptyFullLoad):
        followed.run(mode="census")
    followed.show("PX99", 1)
    patient = MPOX.model_copy(update={"allow_empty": True, "max_missing": 1.0})
    followed.run(patient, mode="census")
    followed.ncbi.world.records.clear()
    result = followed.run(patient, mode="census")
    assert (result.counts["withdrawn"], result.counts["missing"]) == (40, 1)
