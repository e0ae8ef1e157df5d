from pathlib import Path

import pytest

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.checks import Check
from virus_warehouse.doctor.examination import examine
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.shared_pace import check_pace


def test_place_where_the_limit_is_shared_is_shown(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "0123456789abcdef0123456789abcdef0123")
    found = check_pace(installation)
    (file,) = installation.data.pace.iterdir()
    assert (found.verdict, found.way_out) == ("ok", None)
    assert found.message == f"All processes of this host share NCBI's limit of 10 requests a second in {file}."


def test_missing_folder_is_fine_and_is_not_made(tmp_path: Path, installation: Installation) -> None:
    data = DataFolder(tmp_path / "nowhere")
    assert check_pace(Installation(data)).verdict == "ok"
    assert not data.root.exists()


def test_file_that_cannot_be_used_is_a_warning(installation: Installation) -> None:
    check_pace(installation)
    (file,) = installation.data.pace.iterdir()
    file.unlink()
    file.mkdir()
    found = check_pace(installation)
    assert found.verdict == "warning"
    assert found.message.startswith(f"NCBI's limit of requests cannot be shared: {file}: ")


def test_database_that_cannot_be_used_is_a_warning_without_its_password(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCBI_DATASETS_PACE", "postgresql://loader:s3cret@127.0.0.1:9/limits?passfile=s3cret")
    found = check_pace(installation)
    assert found.verdict == "warning"
    assert "postgresql+psycopg://loader:***@127.0.0.1:9/limits: " in found.message
    assert "s3cret" not in found.message
    assert str(found.way_out).startswith("Correct NCBI_DATASETS_PACE")


def test_invalid_setting_is_a_finding_of_another_check(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCBI_DATASETS_PACE", "s3cret")
    ((_, found),) = examine(installation, [Check("pace", check_pace)])
    assert (found.verdict, found.way_out) == ("skipped", "First fix what the check 'settings' says.")
    assert "s3cret" not in found.message
