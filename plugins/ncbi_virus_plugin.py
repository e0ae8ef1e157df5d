"""What Airflow loads of this folder: the pages, unless it has them from the installed package already."""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="virus_warehouse"):
    from ncbi_virus.plugin import VirusWarehousePlugin  # noqa: F401
