"""The checks together: none hides another, and nothing is raised."""

from pathlib import Path

import pytest

from tests.support.required_duckdb import NEEDS_REQUIRED_DUCKDB
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.checks import CHECKS, Check
from virus_warehouse.doctor.examination import examine
from virus_warehouse.doctor.finding import Finding, Verdict, ok
from virus_warehouse.doctor.installation import Installation, NotExaminable
from virus_warehouse.settings import SettingError


def refuse(_: Installation) -> Finding:
    raise SettingError("VIRUS_THREADS is 'many'")


def crash(_: Installation) -> Finding:
    raise ZeroDivisionError("division\nby zero")


def need_another(_: Installation) -> Finding:
    raise NotExaminable("There is no warehouse.", "settings")


def meet_a_closed_folder(_: Installation) -> Finding:
    raise PermissionError(13, "Permission denied", "/data/runs")


def well(_: Installation) -> Finding:
    return ok("All is well.")


def test_a_check_that_fails_or_crashes_is_one_line_and_the_others_are_made(installation: Installation) -> None:
    looks = (refuse, crash, need_another, meet_a_closed_folder, well)
    found = dict(examine(installation, [Check(look.__name__, look) for look in looks]))
    assert [finding.verdict for finding in found.values()] == ["failure", "failure", "skipped", "failure", "ok"]
    assert [finding.exit_code for finding in found.values()] == [2, 1, 0, 1, 0]
    assert found["crash"].message == "The check itself failed with ZeroDivisionError: division by zero"
    assert found["need_another"].way_out == "First fix what the check 'settings' says."
    assert found["meet_a_closed_folder"].message == "/data/runs: Permission denied."
    assert all(finding.way_out for finding in found.values() if finding.verdict is not Verdict.OK)


def test_offline_only_what_needs_the_network_is_skipped(tmp_path: Path, installation: Installation) -> None:
    made = {name for name, finding in examine(Installation(installation.data, offline=True)) if finding.verdict == "ok"}
    skipped = {check.name for check in CHECKS if check.needs_network}
    assert skipped == {"bucket", "clock", "lake", "ncbi", "pace", "scheduler"}
    assert made | skipped | {"snapshot", "disk", "packages"} == {check.name for check in CHECKS}


@NEEDS_REQUIRED_DUCKDB
def test_every_check_copes_with_an_empty_place_and_leaves_it_empty(tmp_path: Path, sources: Path) -> None:
    empty = tmp_path / "nowhere"
    found = dict(examine(Installation(DataFolder(empty), offline=True)))
    assert not [finding.message for finding in found.values() if finding.verdict is Verdict.FAILURE]
    assert not empty.exists()
    empty.mkdir(0o750)
    found = dict(examine(Installation(DataFolder(empty), offline=True)))
    assert not [finding.message for finding in found.values() if finding.verdict is Verdict.FAILURE]
    assert list(empty.iterdir()) == []
    (empty / "file").touch()
    found = dict(examine(Installation(DataFolder(empty / "file" / "data"), offline=True)))
    assert [name for name, finding in found.items() if finding.verdict is Verdict.FAILURE] == ["folder"]


@NEEDS_REQUIRED_DUCKDB
def test_checks_that_need_the_warehouse_are_skipped_while_its_setting_is_wrong(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRUS_WAREHOUSE", str(installation.data.snapshot))
    found = dict(examine(Installation(installation.data, offline=True)))
    assert [name for name, finding in found.items() if finding.verdict is Verdict.FAILURE] == ["settings"]
    assert found["settings"].exit_code == 2
    assert found["schema"].way_out == "First fix what the check 'settings' says."
