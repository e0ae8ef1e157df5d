"""Prints what VIRUS_WAREHOUSE is for the DAGs: of Airflow's connection, or in the data folder."""

import sys

from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from virus_warehouse.settings import SettingError

try:
    print(VirusWarehouseHook().get_conn().storage.setting)
except SettingError as error:
    sys.exit(str(error))
