"""The assets of the warehouse: what loads and publications update, for whatever is to run after them."""

from airflow.sdk import Asset, AssetAlias

LOADS = AssetAlias("virus_warehouse_loads")
"""Outlet of every load: an alias, as a task knows only when it has run which asset it has updated.

Whatever is scheduled on it runs after loads of any source, also of one that the sources file does not have.
"""

UNCHANGED = Asset("x-virus-warehouse-unchanged://runs")
"""Updated by a load that changed no record: its run belongs into the next snapshot all the same."""

PUBLICATIONS = AssetAlias("virus_snapshot_publications")
"""Outlet of the publication."""


def warehouse_asset(source: str) -> Asset:
    """Updated by a load that changed records of the source; its events carry the run's counts."""
    return Asset(f"x-virus-warehouse://{source}")


def snapshot_asset(source: str) -> Asset:
    """Updated when a snapshot is published in which records of the source have changed; its events carry the counts."""
    return Asset(f"x-virus-snapshot://{source}")
