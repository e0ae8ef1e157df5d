"""Airflow's entry point to this folder: the pages, unless the installed package provides them."""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="virus_warehouse"):
    from ncbi_virus.plugin import VirusWarehousePlugin  # noqa: F401
