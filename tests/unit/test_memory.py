"""The temporary files of the tests are in memory, unless somebody has chosen another place."""

import tempfile
from pathlib import Path

import pytest

from tests.support import memory
from tests.support.memory import put_temporary_files_in_memory


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    monkeypatch.setattr(memory, "ENOUGH_BYTES", 1)


def test_they_are_where_the_memory_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MEMORY", tmp_path)
    put_temporary_files_in_memory()
    assert tempfile.gettempdir() == str(tmp_path)


def test_a_chosen_folder_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MEMORY", tmp_path)
    monkeypatch.setenv("TMPDIR", "/chosen")
    before = tempfile.gettempdir()
    put_temporary_files_in_memory()
    assert tempfile.gettempdir() == before


@pytest.mark.parametrize(("enough", "place"), [(1 << 60, "."), (1, "absent")], ids=["too little space", "none"])
def test_a_small_or_absent_memory_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough: int, place: str
) -> None:
    monkeypatch.setattr(memory, "MEMORY", tmp_path / place)
    monkeypatch.setattr(memory, "ENOUGH_BYTES", enough)
    before = tempfile.gettempdir()
    put_temporary_files_in_memory()
    assert tempfile.gettempdir() == before
