"""The Airflow integration: hooks, operator and tasks, thin layers over `virus_warehouse`."""
