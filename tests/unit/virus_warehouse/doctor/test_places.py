"""The checks of data folder and disk, on real file systems."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.small_disk import fill, small_disk
from tests.support.warehouses import made_data
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.disk import check_disk
from virus_warehouse.doctor.folder import check_folder
from virus_warehouse.doctor.installation import Installation

pytestmark = pytest.mark.slow

CHECK_AS_ANOTHER_USER = """
import os, sys
from pathlib import Path

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.folder import check_folder
from virus_warehouse.doctor.installation import Installation

os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
found = check_folder(Installation(DataFolder(Path(sys.argv[1]))))
print(found.verdict, found.exit_code, found.message)
"""


def seen_by_another_user(root: Path) -> str:
    """What the check finds as a user who owns nothing."""
    command = [sys.executable, "-c", CHECK_AS_ANOTHER_USER, str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can enter, as they cannot enter pytest's own."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_folder_of_this_user_is_quiet_and_one_of_another_user_is_not(open_folder: Path) -> None:
    root = made_data(open_folder / "data").root
    installation = Installation(DataFolder(root))
    assert check_folder(installation).verdict == "ok"
    closed = seen_by_another_user(root)
    assert closed.startswith(f"failure 2 {root}: ")
    assert "not readable and writable for this user (uid 65534)" in closed
    for path in (root, *root.rglob("*")):
        os.chown(path, 65534, 65534)
    assert seen_by_another_user(root).startswith("ok 0 ")
    os.chown(root / "runs", 0, 0)
    (root / "runs").chmod(0o700)
    assert f"1 path not readable and writable for this user (uid 65534): {root / 'runs'}." in seen_by_another_user(root)
    os.chown(root / "runs", 65534, 65534)
    os.chown(installation.data.warehouse, 0, 0)
    installation.data.warehouse.chmod(0o640)
    assert f"1 path not readable and writable for this user (uid 65534): {installation.data.warehouse}." in (
        seen_by_another_user(root)
    )


def test_a_folder_that_everybody_can_open_is_a_warning(installation: Installation) -> None:
    installation.data.root.chmod(0o755)
    found = check_folder(installation)
    assert found.verdict == "warning"
    assert found.way_out == f"Close it for others with `chmod o= {installation.data.root}`."


def test_a_folder_that_cannot_be_created_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "file" / "data"):
        found = check_folder(Installation(DataFolder(root)))
        assert (found.verdict, found.message) == ("failure", f"{tmp_path / 'file'} is not a folder.")
    assert check_folder(Installation(DataFolder(tmp_path / "new" / "data"))).verdict == "ok"
    with small_disk(tmp_path / "disk", 1) as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        found = check_folder(Installation(DataFolder(disk / "data")))
    assert (found.verdict, found.exit_code) == ("failure", 2)
    assert found.message == f"{disk}/data does not exist, and {disk} is not writable."


def test_the_disk_has_to_hold_a_copy_of_the_warehouse(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 3000) as disk:
        data = DataFolder(disk / "data")
        installation = Installation(data)
        assert check_disk(installation).message == f"3.1 GB free on the disk of {disk}; there is no warehouse yet."
        data.create()
        data.warehouse.touch()
        os.truncate(data.warehouse, 2 * 10**9)  # as large as it says, without taking up space
        scarce = check_disk(installation)
        assert scarce.verdict == "warning"
        assert "may need 5.0 GB" in scarce.message
        os.truncate(data.warehouse, 4 * 10**9)
        full = check_disk(installation)
        assert full.verdict == "failure"
        assert "its next publication, a copy, needs about 4.1 GB" in full.message


def test_a_full_disk_is_a_failure(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 20) as disk:
        fill(disk, leave=4096)
        found = check_disk(Installation(DataFolder(disk / "data")))
    assert found.verdict == "failure"
    assert "0.0 MB free" in found.message


def test_a_disk_without_inodes_is_a_failure(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2000) as disk:
        assert check_disk(Installation(DataFolder(disk))).verdict == "ok"
        subprocess.run(["mount", "-o", "remount,nr_inodes=10", disk], check=True)
        found = check_disk(Installation(DataFolder(disk)))
    assert found.verdict == "failure"
    assert "more files can be created (inodes)" in found.message


def test_both_disks_are_looked_at_when_the_warehouse_has_its_own(
    tmp_path: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", 20) as disk:
        monkeypatch.setenv("VIRUS_WAREHOUSE", str(disk / "warehouse.duckdb"))
        found = check_disk(installation)
    assert found.verdict == "failure"
    assert f"on the disk of {disk}" in found.message
