"""The documented origin of each column is its actual origin."""

import pytest

from virus_warehouse.publish.origins import ORIGINS
from virus_warehouse.reports import data_report
from virus_warehouse.reports.all_reports import AUXILIARY_REPORTS
from virus_warehouse.reports.shape import ListOf, Object, Shape
from virus_warehouse.warehouse.schema import metadata

OURS = {
    "virus_genome": {"record_hash", "status", "missing_since"},
    "virus_genome_history": {"record_hash", "status", "missing_since", "valid_to", "ended_by", "ended_run_id"},
    "virus_annotation": {"annotation_hash"},
    "biosample": {"biosample_hash"},
}
"""Columns that are not filled from a report, besides source, valid_from and run_id."""

NESTED = {report.name: report.shape for report in AUXILIARY_REPORTS}


def has(shape: Shape, path: str) -> bool:
    """Whether a report of this shape has the path; lists and objects are distinguished."""
    for step in path.split("."):
        name = step.removesuffix("[]")
        if not isinstance(shape, Object) or name not in shape.members:
            return False
        shape = shape.members[name]
        if step.endswith("[]"):
            if not isinstance(shape, ListOf):
                return False
            shape = shape.item
    return True


@pytest.mark.parametrize("table", ORIGINS)
def test_every_column_of_a_report_says_where_it_comes_from(table: str) -> None:
    columns = {column.name for column in metadata.tables[table].columns}
    assert columns - set(ORIGINS[table][1]) - {"source", "valid_from", "run_id"} == OURS.get(table, set())
    assert set(ORIGINS[table][1]) <= columns


def test_every_public_table_belongs_to_a_report() -> None:
    assert set(ORIGINS) == {table.name for table in metadata.sorted_tables if table.schema is None}


@pytest.mark.parametrize("table", ORIGINS)
def test_every_path_exists_in_its_report(table: str) -> None:
    report, paths = ORIGINS[table]
    for path in paths.values():
        if report in NESTED:
            assert has(NESTED[report], path), path
        else:
            assert path in data_report.columns_by_path() or path == "virus.lineage[], host.lineage[]"
