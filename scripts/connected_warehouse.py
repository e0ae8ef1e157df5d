"""Prints the path of the DAGs' warehouse: from Airflow's connection, or in the data folder."""

import sys

from ncbi_virus.hooks.virus_warehouse import NoWarehousePath, VirusWarehouseHook

try:
    print(VirusWarehouseHook().get_conn().path)
except NoWarehousePath as error:
    sys.exit(str(error))
