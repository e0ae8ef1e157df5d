"""Prints the path of the DAGs' warehouse: from Airflow's connection, or in the data folder."""

import sys

from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from virus_warehouse.connection_fields import NoWarehousePath

try:
    print(VirusWarehouseHook().get_conn().path)
except NoWarehousePath as error:
    sys.exit(str(error))
