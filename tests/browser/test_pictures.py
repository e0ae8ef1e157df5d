"""What `make screenshots` clicks is there to be clicked: every picture is taken, of the Airflow of the tests."""

from pathlib import Path

from scripts.pictures import PICTURES, Airflow, take
from tests.support.stage import Stage


def test_every_picture_is_taken(stage: Stage, failed_run: str, tmp_path: Path) -> None:
    airflow = Airflow(stage.airflow.url, stage.airflow.login, stage.airflow.password, "ncbi_virus_ingest__viruses")
    taken = list(take(stage.browser, airflow, tmp_path, "light"))
    assert [path.name for path in taken] == [f"{name}-light.png" for name in PICTURES]
    assert len({path.read_bytes() for path in taken}) == len(PICTURES), "and each shows something else"
