"""The Airflow plugin: the pages of the warehouse, and their place in Airflow's UI."""

from airflow.plugins_manager import AirflowPlugin

from ncbi_virus.pages import airflow_pages
from virus_warehouse.pages.app import URL_PREFIX

RELATIVE = URL_PREFIX.removeprefix("/")
"""Airflow may be served behind a path of its own: the links are relative to its base."""


class VirusWarehousePlugin(AirflowPlugin):
    """The pages, in the navigation. Tasks link to their run there: `ncbi_virus/operators/run_link.py`."""

    name = "virus_warehouse"
    fastapi_apps = [{"app": airflow_pages(), "url_prefix": URL_PREFIX, "name": "Virus warehouse"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Viruses",
            "href": f"{RELATIVE}/",
            "url_route": "virus-warehouse",
            "destination": "nav",
            "icon": f"{RELATIVE}/static/icon.svg",
            "icon_dark_mode": f"{RELATIVE}/static/icon-dark.svg",
            "nav_top_level": True,
        },
    ]
