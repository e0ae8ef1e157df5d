"""The forms of *Trigger*, in a real browser before a real Airflow."""

import pytest
from playwright.sync_api import expect

from tests.support.stage import DENGUE, Stage
from tests.support.tiers import some_of

pytestmark = pytest.mark.browser

FIRST_FIELDS = {
    DENGUE: ("Mode", "window when days are given, else incremental"),
    "ncbi_virus_census": ("Source", "every source"),
    "ncbi_virus_publish": ("Source", ""),
}


@pytest.mark.parametrize("dag_id", some_of(FIRST_FIELDS, one_in=3))
def test_form_demands_nothing_and_names_what_its_empty_fields_do(stage: Stage, dag_id: str) -> None:
    title, shown = FIRST_FIELDS[dag_id]
    with stage.logged_in(f"/dags/{dag_id}") as page:
        page.get_by_role("button", name="Trigger").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text(title, exact=True)).to_be_visible()
        expect(dialog).to_contain_text(shown)
        lines = dialog.inner_text().splitlines()
        assert not {"null", "None", "*"} & set(lines), lines


def test_run_triggered_by_the_form_gets_its_answers(stage: Stage) -> None:
    dag_id = f"ncbi_virus_ingest__{stage.own_source()}"
    stage.airflow.unpause(dag_id)
    with stage.logged_in(f"/dags/{dag_id}") as page:
        page.get_by_role("button", name="Trigger").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("Mode", exact=True)).to_be_visible()
        dialog.get_by_role("combobox").last.click()
        page.get_by_role("option", name="full", exact=True).click()
        dialog.get_by_text("Accept missing records", exact=True).click()
        dialog.get_by_role("button", name="Trigger", exact=True).click()
        expect(dialog).to_be_hidden()

    def triggered() -> dict[str, object] | None:
        return next((run["conf"] for run in stage.airflow.runs(dag_id) if run["run_type"] == "manual"), None)

    conf = stage.airflow.wait_until("the run is there", triggered)
    assert conf is not None
    assert (conf["mode"], conf["accept_missing"]) == ("full", True)
    assert not conf["accept_emptied"]
