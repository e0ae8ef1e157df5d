"""The operator that asks the questions of the gates of a candidate snapshot."""

from typing import Any

from airflow.providers.duckdb.operators.duckdb import DuckDBExecuteQueryOperator
from airflow.sdk import Context

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.check import asking


class GatesOperator(DuckDBExecuteQueryOperator):
    """Runs the SQL of the gates on `database`, a candidate; a full disk or too little memory is told as what it is."""

    def execute(self, context: Context) -> Any:
        """Ask, and hand the rows to the handler."""
        with asking(DataFolder.from_environment().candidates):
            return super().execute(context)  # type: ignore[no-untyped-call]
