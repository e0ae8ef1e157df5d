"""A DuckDB warehouse of NCBI virus genome reports: how it is fetched, read, kept and shown. Knows no Airflow."""

__version__ = "0.1.0"
