"""The places of the pages in Airflow's UI."""

from ncbi_virus.plugin import VirusWarehousePlugin


def test_links_are_relative_so_that_airflow_may_be_served_behind_a_path() -> None:
    for view in VirusWarehousePlugin.external_views:
        for name in ("href", "icon", "icon_dark_mode"):
            assert view[name].startswith("virus-warehouse/"), (view["name"], name)
