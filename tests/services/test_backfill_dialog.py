"""Backfills as docs/backfills.md says to click them: a real browser before a real Airflow.

The results of backfills are tested by `tests/services/test_backfill.py`, which starts them by the REST API.
"""

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.support.stage import DENGUE, NOW, Stage

pytestmark = pytest.mark.browser

PAGE = Path(__file__).parents[2] / "docs" / "backfills.md"
DAY = timedelta(days=1)
DAYS = [NOW.date() - number * DAY for number in (6, 5, 4)]

TRIGGER, BACKFILL, FROM, TO, RUN = "Trigger", "Backfill", "From", "To", "Run Backfill"
MAX_ACTIVE_RUNS, UNPAUSE = "Max Active Runs", "Unpause … on trigger"
REPROCESS, BACKWARDS, ZONE = "Reprocess Behavior", "Run Backwards", "Select Timezone"
CHOICES = ("Missing Runs", "Missing and Errored Runs", "All Runs")


def open_dialog(page: Page) -> Locator:
    page.get_by_role("button", name=TRIGGER).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(BACKFILL, exact=True).click()
    return dialog


def pick(page: Page, field: str, day: date, time: str | None = None) -> None:
    """Enter a day, and a time unless the dialog's own is used."""
    group = page.get_by_role("dialog").get_by_role("group").filter(has=page.get_by_text(field, exact=True))
    group.get_by_test_id("datetime-input").click()
    box = page.get_by_placeholder("YYYY/MM/DD")
    box.fill(f"{day:%Y/%m/%d}")
    if time is not None:
        page.get_by_placeholder("HH:mm").fill(time)
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(group).to_contain_text(f"{day:%b} {day.day}, {day.year} {time or ('00:00' if field == FROM else '23:59')}")


def planned_days(page: Page, last: date, time: str | None = None) -> list[date]:
    """Pick the end, and return the days that Airflow will run. The page shows only their number."""

    def is_last(answer: Response) -> bool:
        """The dialog sends a first request, until the end of the day, before the time is entered."""
        is_dry_run = answer.url.endswith("/backfills/dry_run")
        return is_dry_run and (time is None or not answer.request.post_data_json["to_date"].endswith(":59.999Z"))

    with page.expect_response(is_last) as answer:
        pick(page, TO, last, time)
    runs = answer.value.json()["backfills"]
    expect(page.get_by_role("dialog")).to_contain_text(f"{len(runs)} runs will be triggered.")
    return [datetime.fromisoformat(run["logical_date"]).date() for run in runs]


@pytest.mark.usefixtures("publications_paused")
def test_days_are_picked_and_run(stage: Stage) -> None:
    source = stage.own_source()
    dag_id = f"ncbi_virus_ingest__{source}"
    with stage.logged_in(f"/dags/{dag_id}", timezone_id="UTC") as page:
        dialog = open_dialog(page)
        pick(page, FROM, DAYS[0])
        assert planned_days(page, DAYS[-1]) == DAYS
        expect(dialog.get_by_text("3 runs will be triggered.", exact=True)).to_be_visible()
        runs_at_once = dialog.get_by_role("spinbutton")
        expect(runs_at_once).to_have_value("1")
        runs_at_once.fill("3")
        expect(dialog.get_by_role("checkbox", name=UNPAUSE.replace("…", dag_id))).to_be_checked()
        dialog.get_by_role("button", name=RUN, exact=True).click()
        expect(page.get_by_text("Backfill jobs have been successfully triggered.")).to_be_visible()
        expect(dialog).to_be_hidden()
        page.get_by_role("tab", name="Backfills").or_(page.get_by_role("link", name="Backfills")).click()
        table = page.get_by_role("table")
        expect(table.get_by_role("row")).to_have_count(2)
        expect(table).to_contain_text(f"{DAYS[0]} 00:00:00")
        expect(table).to_contain_text(f"{DAYS[-1]} 23:59:59")

    # The page is closed: it would draw every change of a task. The unpaused DAG also has the scheduled run that
    # is due.
    def done() -> bool:
        runs = stage.airflow.runs(dag_id)
        return len(runs) == 4 and all(run["state"] in ("success", "failed") for run in runs)

    stage.airflow.wait_until("all runs are done", done)
    (backfill,) = stage.airflow.get(f"/backfills?dag_id={dag_id}")["backfills"]
    assert backfill["max_active_runs"] == 3
    windows = stage.rows(
        "FROM ops.ingest_run WHERE run_type = 'backfill' AND source = ? ORDER BY updated_since", source
    )
    assert [(row["mode"], row["status"]) for row in windows] == [("window", "success")] * 3
    assert [(row["updated_since"], row["until"]) for row in windows] == [(day, day + DAY) for day in DAYS]
    assert {run["state"] for run in stage.airflow.runs(dag_id)} == {"success"}


@pytest.mark.long
def test_same_dates_in_another_time_zone_are_as_many_runs_of_other_days(stage: Stage) -> None:
    with stage.logged_in(f"/dags/{DENGUE}", timezone_id="America/New_York") as page:
        open_dialog(page)
        pick(page, FROM, DAYS[0])
        assert planned_days(page, DAYS[-1]) == [day + DAY for day in DAYS]
        page.keyboard.press("Escape")

        page.get_by_role("button", name=re.compile(r"-0[45]:00")).click()
        zones = page.get_by_role("dialog")
        expect(zones).to_contain_text(ZONE)
        zones.get_by_role("combobox").fill("UTC")
        zones.get_by_role("option", name="UTC (Coordinated Universal Time)").click()
        zones.get_by_role("button", name="Close").click()
        expect(page.get_by_role("button", name="+00:00")).to_be_visible()

        open_dialog(page)
        pick(page, FROM, DAYS[0])
        assert planned_days(page, DAYS[-1]) == DAYS
    assert stage.airflow.runs(DENGUE) == []


def test_the_page_names_what_there_is_to_click_and_midnight_is_before_the_run_of_its_day(stage: Stage) -> None:
    section = PAGE.read_text(encoding="utf-8").split("## With Airflow")[1].split("\n## ")[0]
    with stage.logged_in(f"/dags/{DENGUE}", timezone_id="UTC") as page:
        dialog = open_dialog(page)
        for label in (FROM, TO, REPROCESS, *CHOICES, MAX_ACTIVE_RUNS, BACKWARDS, UNPAUSE, RUN):
            assert f"*{label}*" in section
            expect(dialog.get_by_text(label.replace("…", DENGUE), exact=True)).to_be_visible()
        pick(page, FROM, DAYS[0])
        assert planned_days(page, DAYS[-1], "00:00") == DAYS[:-1]
    assert {f"*{label}*" for label in (TRIGGER, BACKFILL)} <= set(re.findall(r"\*[^*]+\*", section))
