"""Airflow hooks for `virus_warehouse`."""
