"""The pages of the warehouse inside Airflow's UI: server-rendered, read-only, behind Airflow's login."""
