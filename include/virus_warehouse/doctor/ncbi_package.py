"""Whether NCBI delivers a package: a tiny one, downloaded and verified as every other."""

import tempfile
from pathlib import Path

from virus_warehouse.doctor.client import asking_client
from virus_warehouse.doctor.finding import Finding, failure, ok
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.ncbi.client import Download
from virus_warehouse.ncbi.errors import DatasetsError, RequestRefused
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import VirusGenomeRequest

TINY = VirusGenomeRequest(taxon="1335626", refseq_only=True)
"""The reference genome of MERS: one or two records in a few kilobytes, without sequences."""


def check_ncbi(_: Installation) -> Finding:
    """Whether a tiny package arrives whole, with the API key if there is one."""
    with (
        tempfile.TemporaryDirectory(prefix="virus-warehouse-doctor-") as folder,
        asking_client() as client,
    ):
        with_key = "with the API key" if client.has_api_key else "without an API key"
        try:
            download = client.download(TINY, Path(folder) / "package.zip", accept=_verify)
        except RequestRefused as error:
            return failure(f"{_asked(with_key)}: {error}", "Correct the API key or the base URL that are in use.")
        except DatasetsError as error:
            return failure(
                f"{_asked(with_key)}: {error}",
                "Check network, proxy and NCBI_DATASETS_URL; if NCBI is down, wait: the next runs catch up.",
            )
        if download.path is None or DataPackage(download.path).is_empty:
            return failure(
                f"{_asked(with_key)}: no record, although NCBI has reference genomes of taxon {TINY.taxon}.",
                f"Check that {client.base_url} is NCBI's API; otherwise try again later.",
            )
        return ok(_delivered(download, client.base_url, with_key))


def _verify(path: Path) -> None:
    DataPackage(path).verify()


def _asked(with_key: str) -> str:
    return f"A tiny package was asked for {with_key}"


def _delivered(download: Download, base_url: str, with_key: str) -> str:
    version = f", version {download.datasets_version}," if download.datasets_version else ""
    says = f" NCBI says: {download.user_message}" if download.user_message else ""
    return (
        f"{base_url}{version} delivered a whole package of {download.bytes:,} bytes in {download.seconds:.1f} s, "
        f"{with_key}.{says}"
    )
