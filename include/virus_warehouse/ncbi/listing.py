"""The accessions of the records that a request selects, from NCBI's listing `POST /virus`."""

import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.ncbi.request import VirusGenomeRequest

LISTING = "/virus"

PAGE_RECORDS = 1000
"""The most that NCBI lists on a page (its specification, `page_size`)."""

_TRIES = 3
_ACCESSION = re.compile(r"[A-Za-z0-9_]{1,40}(\.[0-9]{1,9})?", re.ASCII)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """The records that a request selects.

    Attributes:
        records: their number.
        requested_at: when the first page was requested, in UTC.
    """

    records: int
    requested_at: datetime


class _Changed(Exception):
    """The listing changed while its pages were read."""


def list_accessions(
    client: DatasetsClient,
    request: VirusGenomeRequest,
    file: Path,
    on_page: Callable[[int, int], None] | None = None,
) -> Listing:
    """Write the accessions of a request's records to a file, one a line, in NCBI's order.

    NCBI gives them in pages. When its records change in between, a page may lack some: then they are listed again.

    Args:
        client: the client to ask with.
        request: the request.
        file: the file to write; it is complete when this returns.
        on_page: called after every page with the number of records listed so far, and NCBI's total.

    Raises:
        RequestRefused, DatasetsUnavailable: as the client does; the latter also when the listing changes every time.
    """
    for _ in range(_TRIES):
        requested_at, records = datetime.now(UTC), 0
        try:
            with file.open("w", encoding="ascii") as lines:
                for accessions, total in _pages(client, request):
                    lines.writelines(f"{accession}\n" for accession in accessions)
                    records += len(accessions)
                    if on_page is not None:
                        on_page(records, total)
                lines.flush()
                os.fsync(lines.fileno())
            return Listing(records, requested_at)
        except _Changed as change:
            logger.warning("NCBI's listing changed while it was read (%s)", change)
            found = str(change)
    raise DatasetsUnavailable(
        f"NCBI Datasets gave no consistent list of the records: {found}, in each of {_TRIES} tries. Try again later.",
        url=f"{client.base_url}{LISTING}",
    )


def _pages(client: DatasetsClient, request: VirusGenomeRequest) -> Iterator[tuple[list[str], int]]:
    """The accessions of each page, with NCBI's total number of records.

    Raises:
        _Changed: when the pages do not fit each other.
    """
    body = {"filter": request.filters(), "returned_content": "ACCESSIONS_ONLY", "page_size": PAGE_RECORDS}
    listed, total, token = 0, None, ""
    before: set[str] = set()
    while True:
        page = client.ask(LISTING, {**body, "page_token": token} if token else body)
        accessions, in_all, token = _read(page, client)
        if total not in (None, in_all):
            raise _Changed(f"first {total} in all, then {in_all}")
        if twice := before.intersection(accessions):
            raise _Changed(f"{min(twice)} on two pages")
        listed, total, before = listed + len(accessions), in_all, set(accessions)
        if listed > total or (not token and listed < total) or (token and not accessions):
            raise _Changed(f"{listed} listed of {total} in all")
        yield accessions, total
        if not token:
            return


def _read(page: dict[str, Any], client: DatasetsClient) -> tuple[list[str], int, str]:
    """The accessions, the total and the next page's token; NCBI leaves out what is empty or zero."""
    try:
        accessions = [report["accession"] for report in page.get("reports", ())]
        total, token = int(page.get("total_count", 0)), page.get("next_page_token", "")
        is_valid = isinstance(token, str) and all(map(_ACCESSION.fullmatch, accessions))
    except (TypeError, KeyError, ValueError):
        is_valid = False
    if not is_valid:
        raise DatasetsUnavailable(
            "NCBI Datasets gave a page that is no list of accessions. Try again later; if this lasts, check that the"
            f" base URL {client.base_url} is right.",
            url=f"{client.base_url}{LISTING}",
        )
    return accessions, total, token
