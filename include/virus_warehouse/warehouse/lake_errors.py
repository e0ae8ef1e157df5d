"""What the errors of a lake mean, and what to do: DuckDB repeats those of PostgreSQL and of the files."""

import errno
import os
import re
import shutil
from pathlib import Path

import duckdb

from virus_warehouse.shortage import DiskFull
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_catalog import CatalogUnavailable
from virus_warehouse.warehouse.storage import StorageUnreadable

_CATALOG_LOST = re.compile(
    "Failed to execute query|Failed to prepare COPY|Failed to copy|Unable to connect to Postgres|"
    "server closed the connection|no connection to the server|terminating connection|"
    "DuckLake: Current transaction is aborted"
)
"""DuckDB's messages when its connection to the catalog has ended."""

_CONFLICT = "Transaction conflict"
"""DuckLake's message when another transaction has committed, which comes from a query that failed."""


class LakeFilesUnusable(StorageUnreadable):
    """A file of the lake is missing, or cannot be read or written; nothing was changed."""


def explained(error: Exception, address: LakeAddress) -> Exception:
    """An error with what to do where that is known, and without the password of the catalog.

    Args:
        error: what a statement raised.
        address: of the lake.
    """
    text = str(error)
    if address.password:
        text = text.replace(address.password, "***")
    if isinstance(error, duckdb.Error):
        if f"{address.data_path}/" in text:
            return _of_files(text, address)
        if _CATALOG_LOST.search(text) and _is_full(text):
            return DiskFull(
                f"the disk of the PostgreSQL server that has the catalog of {address} is full. Committed and published "
                f"data are unchanged. Free some space there, and run again: {text}"
            )
        if _CATALOG_LOST.search(text) and _CONFLICT not in text:
            return CatalogUnavailable(
                f"{address}: the connection to its catalog has ended, and nothing was changed. Look into the log of "
                f"PostgreSQL for the reason, and run it again. DuckDB says: {text}"
            )
    return error if text == str(error) else type(error)(text)


def _of_files(text: str, address: LakeAddress) -> Exception:
    folder = address.data_path
    if _is_full(text):
        free = shutil.disk_usage(folder).free if Path(folder).exists() else 0
        return DiskFull(
            f"the disk of {folder}, the data_path of the lake, is full ({free / 1e6:.0f} MB are free now). Committed "
            f"and published data are unchanged. Free some space, and run again: {text}"
        )
    if os.strerror(errno.ENOENT) in text:
        return LakeFilesUnusable(
            f"{address}: a file that the lake needs is missing in {folder}; nothing was changed. If that is on another "
            f"disk, mount it; otherwise restore the file from the copy of data_path in the back-up, or rebuild the "
            f"lake from the archived packages with `virus-warehouse rebuild --from-oldest`. DuckDB says: {text}"
        )
    return LakeFilesUnusable(
        f"{address}: a file of the lake cannot be read or written; nothing was changed. Make {folder} readable and "
        f"writable for the user and on the host that run this, and run it again. DuckDB says: {text}"
    )


def _is_full(text: str) -> bool:
    return any(os.strerror(number) in text for number in (errno.ENOSPC, errno.EDQUOT))
