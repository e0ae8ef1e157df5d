"""Airflow connections, as what `virus_warehouse` works with."""
