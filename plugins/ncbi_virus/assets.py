"""The assets of the warehouse, updated by loads and publications.

Their names are their URIs: Airflow takes an asset of the same URI and another name for another asset, so that DAGs
scheduled on `Asset("x-virus-snapshot://mpox")` would never run, without a warning. See decision 3.
"""

from airflow.sdk import Asset, AssetAlias

GROUP = "virus_warehouse"
"""Of all of them, on Airflow's page of assets."""

LOADS = AssetAlias("virus_warehouse_loads", group=GROUP)
"""Outlet of every load: an alias, since a task only knows after the load which asset it has updated.

DAGs scheduled on it run after loads of any source, including sources that are not in the sources file.
"""

UNCHANGED = Asset("x-virus-warehouse-unchanged://runs", group=GROUP)
"""Updated by a load that changed no record, so that its run is published too."""

APPROVALS = AssetAlias("virus_warehouse_approvals", group=GROUP)
"""Outlet of the questions that people answer: an answer to publish starts a publication."""

APPROVED = Asset("x-virus-warehouse-approved://answers", group=GROUP)
"""Updated by an answer to publish."""

PUBLICATIONS = AssetAlias("virus_snapshot_publications", group=GROUP)
"""Outlet of the publication."""


def warehouse_asset(source: str) -> Asset:
    """Updated by a load that changed records of the source; its events have the run's counts."""
    return Asset(f"x-virus-warehouse://{source}", group=GROUP)


def snapshot_asset(source: str) -> Asset:
    """Updated when a snapshot with changed records of the source is published; its events have the counts."""
    return Asset(f"x-virus-snapshot://{source}", group=GROUP)
