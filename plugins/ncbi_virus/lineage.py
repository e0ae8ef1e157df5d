"""The lineage of a load for OpenLineage: from NCBI's reports to the tables of the warehouse, column by column.

Airflow's OpenLineage provider asks for it, and only where it is installed and switched on: the names of its package are
imported when it does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from duckdb_sqlalchemy import Dialect

from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.origins import ORIGINS
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.run_result import IngestResult
from virus_warehouse.warehouse.schema import metadata
from virus_warehouse.warehouse.storage import Storage

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import DatasetFacet

_WRITTEN = ("inserted", "revised")
"""Outcomes of lines that become rows."""


@dataclass(frozen=True)
class Loaded:
    """What a task has loaded.

    Attributes:
        result: what the run returned.
        request: the source's request.
        base_url: where it was sent.
        warehouse: where the tables are kept.
    """

    result: IngestResult
    request: VirusGenomeRequest
    base_url: str
    warehouse: Storage

    @property
    def counts(self) -> dict[str, dict[str, int | None]]:
        """The counts of lines, by report."""
        return {DATA_REPORT.name: self.result.counts, **self.result.further}


def lineage_of(loaded: Loaded) -> "OperatorLineage[Any, Any]":
    """The lineage of a load: an input for each report, an output for each table that they fill.

    Args:
        loaded: what was loaded.
    """
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(inputs=list(_inputs(loaded)), outputs=list(_outputs(loaded)))


def _inputs(loaded: Loaded) -> Iterator["InputDataset"]:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import input_statistics_input_dataset

    for report, counts in loaded.counts.items():
        namespace, name = _name_of_report(loaded, report)
        lines = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=counts["lines"])
        yield InputDataset(namespace, name, inputFacets={"inputStatistics": lines})


def _outputs(loaded: Loaded) -> Iterator["OutputDataset"]:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset

    namespace, database = _name_of_warehouse(loaded.warehouse)
    counts = loaded.counts
    for table, (report, _) in ORIGINS.items():
        if report not in counts:
            continue
        dataset = OutputDataset(namespace, f"{database}.main.{table}", facets=_columns(loaded, table))
        if table == "virus_genome":  # of all tables, only in this one a line of NCBI's is a row
            rows = sum(counts[report][outcome] or 0 for outcome in _WRITTEN)
            facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
            dataset.outputFacets = {"outputStatistics": facet}
        yield dataset


def _name_of_warehouse(warehouse: Storage) -> tuple[str, str]:
    """The namespace, and the name of the database in it."""
    file = warehouse.file
    if file is None:
        return warehouse.location, "warehouse"
    # As OpenLineage's integration of dbt names the tables of DuckDB: DuckDB names a database by its file.
    return f"duckdb://{file.absolute()}", file.stem


def _columns(loaded: Loaded, table: str) -> "dict[str, DatasetFacet]":
    """The schema of a table, and the fields of a report that its columns come from."""
    from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset

    report, paths = ORIGINS[table]
    namespace, name = _name_of_report(loaded, report)
    columns = metadata.tables[table].columns
    fields = [
        schema_dataset.SchemaDatasetFacetFields(
            column.name, column.type.compile(dialect=Dialect()), description=column.comment
        )
        for column in columns
    ]
    origins = {
        column: column_lineage_dataset.Fields(
            [column_lineage_dataset.InputField(namespace, name, path) for path in paths[column].split(", ")]
        )
        for column in columns.keys() & paths.keys()
    }
    return {
        "schema": schema_dataset.SchemaDatasetFacet(fields),
        "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(origins),
    }


def _name_of_report(loaded: Loaded, report: str) -> tuple[str, str]:
    """Namespace and name of a report: the request's server, and its path, without window and filters."""
    url = urlsplit(loaded.base_url)
    return f"{url.scheme}://{url.netloc}", f"{url.path.rstrip('/')}{loaded.request.path}/{report}.jsonl"
