"""The assets of the warehouse, updated by loads and publications."""

from airflow.sdk import Asset, AssetAlias

LOADS = AssetAlias("virus_warehouse_loads")
"""Outlet of every load: an alias, since a task only knows after the load which asset it has updated.

DAGs scheduled on it run after loads of any source, including sources that are not in the sources file.
"""

UNCHANGED = Asset("x-virus-warehouse-unchanged://runs")
"""Updated by a load that changed no record, so that its run is published too."""

APPROVALS = AssetAlias("virus_warehouse_approvals")
"""Outlet of the questions that people answer: an answer to publish starts a publication."""

APPROVED = Asset("x-virus-warehouse-approved://answers")
"""Updated by an answer to publish."""

PUBLICATIONS = AssetAlias("virus_snapshot_publications")
"""Outlet of the publication."""


def warehouse_asset(source: str) -> Asset:
    """Updated by a load that changed records of the source; its events have the run's counts."""
    return Asset(f"x-virus-warehouse://{source}")


def snapshot_asset(source: str) -> Asset:
    """Updated when a snapshot with changed records of the source is published; its events have the counts."""
    return Asset(f"x-virus-snapshot://{source}")
