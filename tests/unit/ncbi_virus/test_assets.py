"""The assets, as people schedule their own DAGs on them."""

from airflow.sdk import Asset
from airflow.sdk.definitions.asset import AssetUniqueKey

from ncbi_virus.assets import (
    APPROVALS,
    APPROVED,
    GROUP,
    LOADS,
    PUBLICATIONS,
    UNCHANGED,
    snapshot_asset,
    warehouse_asset,
)


def test_asset_is_identified_by_its_uri_alone() -> None:
    ours = (snapshot_asset("mpox"), warehouse_asset("mpox"), UNCHANGED, APPROVED)
    keys = [AssetUniqueKey.from_asset(asset) for asset in ours]
    assert keys == [AssetUniqueKey.from_asset(Asset(asset.uri)) for asset in ours]
    assert keys[0] == AssetUniqueKey.from_asset(Asset("x-virus-snapshot://mpox"))


def test_assets_are_in_one_group() -> None:
    assets = (snapshot_asset("mpox"), warehouse_asset("mpox"), UNCHANGED, APPROVED, LOADS, APPROVALS, PUBLICATIONS)
    assert {asset.group for asset in assets} == {GROUP}
