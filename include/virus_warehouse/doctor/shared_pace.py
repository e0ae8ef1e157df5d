"""Whether all processes share NCBI's limit of requests."""

from virus_warehouse.doctor.client import asking_client
from virus_warehouse.doctor.finding import Finding, ok, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.ncbi.pace.shared import SETTING, database, limit_of
from virus_warehouse.ncbi.pace.store import StoreUnusable


def check_pace(installation: Installation) -> Finding:
    """Whether the place can be used in which processes, or hosts, share the limit."""
    with asking_client() as client:
        is_on_one_host = database() is None
        if is_on_one_host and not installation.data.pace.is_dir():
            return ok(f"{installation.data.pace} does not exist yet; the first run creates it.")
        try:
            place = client.pace.try_out()
        except StoreUnusable as error:
            return warning(
                f"NCBI's limit of requests cannot be shared: {error}.",
                "Delete the file, or make it writable: until then, each process counts only its own requests."
                if is_on_one_host
                else f"Correct {SETTING}: until then, each host counts only its own requests.",
            )
        who = "All processes of this host share" if is_on_one_host else "All hosts with this setting share"
        return ok(f"{who} NCBI's limit of {limit_of(client.has_api_key)} requests a second in {place}.")
