"""The task of the housekeeping."""

from airflow.sdk import task

from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from ncbi_virus.retries import RETRY_POLICY
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.followed import followed_sources
from virus_warehouse.housekeeping import keep_house


@task(retry_policy=RETRY_POLICY)
def housekeeping() -> list[str]:
    """Do all parts of the housekeeping; returns what each of them did, which the log has, too.

    Raises:
        HousekeepingFailed: when parts failed; the others are done.
    """
    data = DataFolder.from_environment()
    return keep_house(VirusWarehouseHook().get_conn(), data, followed_sources(data))
