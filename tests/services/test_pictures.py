"""The elements that `make screenshots` clicks exist, in the Airflow of the tests."""

from pathlib import Path

import pytest

from scripts.pictures import PICTURES, Airflow, take
from tests.support.stage import Stage

pytestmark = pytest.mark.browser

ON_THE_WAY = {"overview", "explore", "runs"}
"""Pictures of what the others pass by."""


@pytest.mark.long
def test_every_picture_can_be_taken(stage: Stage, failed_run: str, tmp_path: Path) -> None:
    airflow = Airflow(stage.airflow.url, stage.airflow.login, stage.airflow.password, "ncbi_virus_ingest__viruses")
    names = [name for name in PICTURES if name not in ON_THE_WAY]
    taken = list(take(stage.browser, airflow, tmp_path, "dark", names))
    assert [path.name for path in taken] == [f"{name}-dark.png" for name in names]
    assert len({path.read_bytes() for path in taken}) == len(names), "all pictures must differ"
