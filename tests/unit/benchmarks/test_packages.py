"""The synthetic packages match their recipes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.packages import TODAY, TOMORROW, PackageCache, Recipe, write_package
from virus_warehouse.ncbi.package import DataPackage


def records(recipe: Recipe, folder: Path) -> list[dict[str, Any]]:
    path = folder / recipe.file_name
    write_package(recipe, path)
    with DataPackage(path).verify().open_report("data_report") as report:
        return [json.loads(line) for line in report]


def test_package_has_the_requested_number_of_unique_records(tmp_path: Path) -> None:
    accessions = [record["accession"] for record in records(Recipe(1500), tmp_path)]
    assert len(accessions) == len(set(accessions)) == 1500


def test_smaller_package_is_a_prefix_of_a_larger_one(tmp_path: Path) -> None:
    assert records(Recipe(1500), tmp_path)[:300] == records(Recipe(300), tmp_path)


def test_records_are_mixed_of_all_viruses_with_their_lineages(tmp_path: Path) -> None:
    viruses = [record["virus"] for record in records(Recipe(300), tmp_path)]
    assert len({virus["taxId"] for virus in viruses}) >= 8
    assert all(len(virus["lineage"]) > 3 for virus in viruses)


def test_a_package_may_have_many_taxa(tmp_path: Path) -> None:
    few, many = (records(recipe, tmp_path) for recipe in (Recipe(300), Recipe(300, taxa=1000)))
    assert len({record["virus"]["taxId"] for record in many}) > 100 > len({record["virus"]["taxId"] for record in few})
    assert [record["accession"] for record in many] == [record["accession"] for record in few]


def test_changed_records_are_spread_evenly_and_every_one_differs(tmp_path: Path) -> None:
    def key(record: dict[str, Any]) -> str:
        return str(record["accession"]).split(".")[0]

    before = records(Recipe(1500), tmp_path)
    after = records(Recipe(1500, changed=150), tmp_path)
    assert [key(record) for record in after] == [key(record) for record in before[::10]]
    assert {record["updateDate"][:10] for record in before} <= {str(TODAY)} | {
        record["updateDate"][:10] for record in before if record["updateDate"] < str(TODAY)
    }
    assert {record["updateDate"][:10] for record in after} == {str(TOMORROW)}
    pairs = list(zip(before[::10], after, strict=True))
    new_version = sum(old["accession"] != new["accession"] for old, new in pairs)
    new_date = sum({**old, "updateDate": ""} == {**new, "updateDate": ""} for old, new in pairs)
    revised = len(pairs) - new_version - new_date
    assert min(new_version, new_date) > 10
    assert revised > new_version + new_date - 30


def test_package_is_created_once(tmp_path: Path) -> None:
    cache = PackageCache(tmp_path)
    cache.make({Recipe(300), Recipe(300, changed=3)}, processes=2)
    made = {path: path.stat().st_mtime_ns for path in cache.folder.iterdir()}
    assert len(made) == 2
    cache.make({Recipe(300), Recipe(300, changed=3)}, processes=2)
    assert made == {path: path.stat().st_mtime_ns for path in cache.folder.iterdir()}


@pytest.mark.parametrize(
    ("recipe", "name"),
    [(Recipe(300), "300.zip"), (Recipe(300, 3), "300-3-changed.zip"), (Recipe(300, taxa=99), "300-99-taxa.zip")],
)
def test_names_distinguish_recipes(recipe: Recipe, name: str) -> None:
    assert recipe.file_name == name


def test_more_records_than_a_package_has_are_copies_of_them_with_other_accessions(tmp_path: Path) -> None:
    original = records(Recipe(30), tmp_path)
    copied = Recipe(70, source_package=tmp_path / Recipe(30).file_name)
    copies = records(copied, tmp_path)
    assert copies[:30] == original
    assert len({str(record["accession"]).split(".")[0] for record in copies}) == 70
    assert [{**copy, "accession": ""} for copy in copies] == [
        {**record, "accession": ""} for record in (original * 3)[:70]
    ]
    revised = records(replace(copied, changed=70), tmp_path)
    assert [record["accession"] for record in revised] == [record["accession"] for record in copies]
