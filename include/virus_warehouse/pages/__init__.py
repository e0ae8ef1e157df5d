"""The pages: server-rendered, read-only. A folder a page: its routes (`page.py`), what it shows, queries, template.

They know no Airflow: `create_app` takes the login and what is known of the DAGs from whoever serves them.
"""
