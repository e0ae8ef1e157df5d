"""Whether the connections that Airflow uses fit together with what this command uses."""

import os
from pathlib import Path

from virus_warehouse.connection_fields import NCBI_CONNECTION, WAREHOUSE_CONNECTION, warehouse_place_of
from virus_warehouse.database_file import is_database
from virus_warehouse.doctor.client import impatient_client
from virus_warehouse.doctor.finding import Finding, failure, ok, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.environment_connection import connection_of, variable_of
from virus_warehouse.settings import SettingError
from virus_warehouse.warehouse.lake_address import LakeAddress, is_lake, lake_address


def check_connections(installation: Installation) -> Finding:
    """Whether the base URL, the API key and the warehouse file that tasks would use are valid, and are this command's.

    Connections in Airflow's database are not read: that takes Airflow.
    """
    try:
        with impatient_client() as client:
            ncbi = f"NCBI: {client.base_url}, {'with' if client.has_api_key else 'without'} an API key"
        file = _place_of_tasks(installation)
    except SettingError as error:
        return failure(f"{error}.", "Correct it, or remove it so that the default is used.", error.exit_code)
    used = f"{ncbi}; warehouse: {file}"
    if isinstance(file, LakeAddress):
        if installation.data.is_beside_a_lake:
            return ok(f"{used}.")
        return warning(
            f"{used} in Airflow, but this command uses {installation.warehouse}.",
            "Set VIRUS_WAREHOUSE to the address of the lake for the command, too.",
        )
    if fault := _fault_of(file, installation):
        return failure(f"{used}, {fault}.", _name_a_file())
    if file != installation.warehouse:
        return warning(
            f"{used} in Airflow, but this command uses {installation.warehouse}.",
            f"Set VIRUS_WAREHOUSE to {file} for the command, too, as the targets of the Makefile do.",
        )
    if not any(map(connection_of, (NCBI_CONNECTION, WAREHOUSE_CONNECTION))):
        return ok(f"{used}. No AIRFLOW_CONN_ variable is set for them.")
    return ok(f"{used}.")


def _place_of_tasks(installation: Installation) -> Path | LakeAddress:
    named = os.environ.get("VIRUS_WAREHOUSE", "")
    if is_lake(named):
        return lake_address(named, "VIRUS_WAREHOUSE")
    connection = None if named else connection_of(WAREHOUSE_CONNECTION)
    if connection is None:
        return installation.warehouse
    return warehouse_place_of(
        connection.variable, connection.host, connection.password, connection.extra, installation.warehouse
    )


def _fault_of(file: Path, installation: Installation) -> str | None:
    if not file.is_absolute():
        return "a path that each process would look for in a folder of its own"
    if file == installation.data.snapshot:
        return "the published snapshot, which no load may write"
    if file.is_dir():
        return "which is a folder"
    if file.exists() and file.stat().st_size and not is_database(file):
        return "which is no DuckDB file"
    return None


def _name_a_file() -> str:
    where = f"VIRUS_WAREHOUSE or {variable_of(WAREHOUSE_CONNECTION)}"
    return f"Give the full path of a DuckDB file in {where}, or unset both for warehouse.duckdb in VIRUS_DATA."
