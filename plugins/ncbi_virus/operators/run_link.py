"""From a task of Airflow's to the story of its run, in the pages of the warehouse."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

PAGES = "/plugin/virus-warehouse/virus-warehouse"
"""Our pages inside Airflow's frame: the external view's route, and the path that it shows."""


class RunLink(BaseOperatorLink):
    """A button on the page of a task."""

    name = "Story of this run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page of the task's last try, whatever became of it."""
        base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
        asked = {"dag_id": ti_key.dag_id, "dag_run_id": ti_key.run_id, "source": operator.source_name}
        return f"{base}{PAGES}/runs/of-dag-run?{urlencode(asked)}"
