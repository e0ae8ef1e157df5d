"""The pages: server-rendered and read-only. A folder per page: routes (`page.py`), data, queries, template.

They do not depend on Airflow: the host passes its login and the state of the DAGs to `create_app`.
"""
