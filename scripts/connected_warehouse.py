"""Prints the path of the warehouse that the DAGs load: the one of Airflow's connection, or the data folder's."""

import sys

from ncbi_virus.hooks.virus_warehouse import NoWarehousePath, VirusWarehouseHook
from virus_warehouse.data_folder import DataFolderError

try:
    print(VirusWarehouseHook().get_conn().path)
except (DataFolderError, NoWarehousePath) as error:
    sys.exit(str(error))
