import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from virus_warehouse.data_folder import CHECKOUT, DataFolder, DataFolderError, default_root
from virus_warehouse.private_files import private_files

PLACES = ("packages", "refused", "runs", "temporary", "published/candidates")


def test_missing_folder_is_created_with_all_subfolders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path / "new" / "data"))
    data = DataFolder.from_environment()
    assert data.root == tmp_path / "new" / "data"
    for place in PLACES:
        assert (data.root / place).is_dir()
    assert data.warehouse == data.root / "warehouse.duckdb"
    assert data.snapshot == data.root / "published" / "virus.duckdb"


def test_existing_folder_is_unchanged(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.create()
    (data.packages / "kept").touch()
    data.create()
    assert (data.packages / "kept").exists()


def test_relative_folder_is_resolved_when_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIRUS_DATA", "here")
    assert DataFolder.from_environment().root == tmp_path / "here"


def test_without_a_setting_data_are_in_the_checkout() -> None:
    assert Path(__file__).parents[3] == CHECKOUT
    assert default_root() == CHECKOUT / "data"


def test_warehouse_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRUS_WAREHOUSE", str(tmp_path / "elsewhere.duckdb"))
    assert DataFolder(tmp_path / "data").warehouse == tmp_path / "elsewhere.duckdb"


@pytest.mark.parametrize("blocking", ["data", "data/runs"])
def test_folder_creation_error_names_the_folder_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocking: str
) -> None:
    file = tmp_path / blocking
    file.parent.mkdir(exist_ok=True)
    file.write_text("a file")
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path / "data"))
    with pytest.raises(DataFolderError) as refused:
        DataFolder.from_environment()
    message = str(refused.value)
    assert message.startswith(f"the data folder {tmp_path / 'data'} cannot be used: ")
    assert blocking in message
    assert "Set VIRUS_DATA to a writable folder" in message
    assert "\n" not in message


def test_creation_does_not_change_the_umask_in_any_thread(tmp_path: Path) -> None:
    """As in the API server, whose threads all create the folder."""
    umask, seen = os.umask(0), set[int]()
    try:

        def make(number: int) -> None:
            folder = DataFolder(tmp_path / str(number))
            folder.create()
            places = [folder.root, folder.runs, folder.candidates, folder.candidates.parent]
            seen.update(stat.S_IMODE(place.stat().st_mode) for place in places)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(make, range(200)))
    finally:
        left = os.umask(umask)
    assert left == 0
    assert seen == {0o770}


def test_runs_in_threads_do_not_change_the_umask() -> None:
    umask = os.umask(0o022)
    try:

        def work(_: int) -> int:
            with private_files():
                inside = os.umask(0o077)
                os.umask(inside)
                return inside & 0o007

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(work, range(500))) <= {0o007}
    finally:
        left = os.umask(umask)
    assert left == 0o022
