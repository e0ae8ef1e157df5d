"""The Airflow side: hook, operator and tasks, thin over `virus_warehouse`."""
