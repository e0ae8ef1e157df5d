"""The checks of the program itself: Python, packages, settings, sources file."""

from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.required_duckdb import NEEDS_REQUIRED_DUCKDB
from virus_warehouse.data_folder import CHECKOUT
from virus_warehouse.doctor import packages, python
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.packages import check_packages, pinned
from virus_warehouse.doctor.python import check_python
from virus_warehouse.doctor.read_settings import check_settings
from virus_warehouse.doctor.sources_file import check_sources


def test_this_python_is_supported_and_an_earlier_one_is_not(installation: Installation) -> None:
    assert check_python(installation).verdict == "ok"
    refused = python.judge("3.10.14", ">=3.11")
    assert (refused.verdict, refused.message) == ("failure", "Python 3.10.14 does not meet >=3.11.")
    assert python.judge("3.15.0rc1", ">=3.11").verdict == "ok"


@NEEDS_REQUIRED_DUCKDB
def test_requirements_that_are_met_are_quiet_and_others_are_named(installation: Installation) -> None:
    assert check_packages(installation).verdict in ("ok", "warning")  # a contributor's environment may be ahead
    here = Requirement(f"duckdb=={version('duckdb')}")
    assert packages.judge([here], [here]).verdict == "ok"
    elsewhere = [Requirement("nothing-of-this-name==1 ; sys_platform == 'win32'"), Requirement("extra ; extra == 'x'")]
    assert packages.judge(elsewhere, [here, *elsewhere]).verdict == "ok"

    missing = packages.judge([here, Requirement("nothing-of-this-name>=2"), Requirement("duckdb>=99")], [])
    assert missing.verdict == "failure"
    assert "nothing-of-this-name (not installed, needs >=2)" in missing.message
    assert f"duckdb {version('duckdb')} (needs >=99)" in missing.message
    other = packages.judge([here], [Requirement("duckdb==0.1")])
    assert (other.verdict, other.message) == (
        "warning",
        f"1 package differing from requirements.txt: duckdb {version('duckdb')} (needs ==0.1).",
    )


def test_every_pin_of_the_lock_file_is_read() -> None:
    assert CHECKOUT
    file = CHECKOUT / "requirements.txt"
    pins = pinned(file)
    assert len(pins) == file.read_text(encoding="utf-8").count("==") - sum(str(pin.marker).count("==") for pin in pins)
    assert all(str(pin.specifier).startswith("==") for pin in pins)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIRUS_MEMORY_LIMIT", "much"),
        ("VIRUS_THREADS", "many"),
        ("VIRUS_KEEP_SNAPSHOTS", "all"),
        ("VIRUS_MAX_PACKAGE_BYTES", "0"),
        ("NCBI_DATASETS_PATIENCE", "-1"),
        ("NCBI_DATASETS_URL", "ncbi"),
    ],
)
def test_each_setting_that_is_wrong_is_named(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert check_settings(installation).verdict == "ok"
    monkeypatch.setenv(name, value)
    found = check_settings(installation)
    assert (found.verdict, found.exit_code) == ("failure", 2)
    assert f"{name} is {value!r}" in found.message


def test_all_wrong_settings_are_named_together(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRUS_THREADS", "many")
    monkeypatch.setenv("VIRUS_MEMORY_LIMIT", "much")
    message = check_settings(installation).message
    assert "VIRUS_THREADS" in message
    assert "VIRUS_MEMORY_LIMIT" in message


def test_the_sources_file_is_checked(installation: Installation, sources: Path) -> None:
    good = check_sources(installation)
    assert (good.verdict, good.message) == ("ok", f"{sources} is valid; 1 source followed: mpox.")
    sources.write_text("sources: {mpox: {taxon: 10244}, flu: {taxon: 11320, hots: human}}", encoding="utf-8")
    one = check_sources(installation)
    assert (one.verdict, one.exit_code) == ("failure", 1)
    assert "1 source of the sources file cannot be loaded" in one.message
    assert "key 'hots': unknown key" in one.message
    many = ", ".join(f"flu{number}: {{taxon: 11320, hots: human}}" for number in range(5))
    sources.write_text(f"sources: {{{many}}}", encoding="utf-8")
    assert "'flu2'" in (message := check_sources(installation).message)
    assert message.endswith(" And 2 more.")
    sources.write_text("sources: [", encoding="utf-8")
    broken = check_sources(installation)
    assert (broken.verdict, broken.exit_code) == ("failure", 2)
    sources.unlink()
    assert "cannot be read (No such file or directory)" in check_sources(installation).message
