"""The warehouse that the runs load, by Airflow's connection, for commands that work on it without a DAG run."""

import sys
from pathlib import Path

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import Warehouse


def connected_warehouse(data: DataFolder) -> Warehouse:
    """The one of the connection `virus_warehouse`, or the data folder's."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "plugins"))
    from ncbi_virus.warehouse import get_warehouse

    return get_warehouse(data)
