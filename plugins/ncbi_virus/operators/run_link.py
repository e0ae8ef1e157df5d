"""A link from an Airflow task to its run in the pages of the warehouse."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

FRAME, PAGES = "/plugin/virus-warehouse", "/virus-warehouse"
"""The external view's route, and that of the pages. In a URL the first is followed by the path that the frame shows,
from the server's root: behind a path of its own, Airflow's base is in it twice.
"""


class RunLink(BaseOperatorLink):
    """A button on the page of a task."""

    name = "Run details"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page of the task's last try."""
        base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
        asked = {"dag_id": ti_key.dag_id, "dag_run_id": ti_key.run_id, "source": operator.source_name}
        return f"{base}{FRAME}{base}{PAGES}/runs/of-dag-run?{urlencode(asked)}"
