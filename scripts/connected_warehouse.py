"""Prints the path of the DAGs' warehouse: from Airflow's connection, or in the data folder."""

import sys

from ncbi_virus.hooks.virus_warehouse import NoWarehousePath, VirusWarehouseHook
from virus_warehouse.data_folder import DataFolderError

try:
    print(VirusWarehouseHook().get_conn().path)
except (DataFolderError, NoWarehousePath) as error:
    sys.exit(str(error))
