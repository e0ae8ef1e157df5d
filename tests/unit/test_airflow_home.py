"""The Airflow home folder that set-up creates."""

import json
import stat
from pathlib import Path

import pytest

from scripts import airflow_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("AIRFLOW_ADMIN_PASSWORD", raising=False)
    monkeypatch.delenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", raising=False)
    airflow_home.write_configuration(tmp_path)
    airflow_home._write_login(tmp_path)
    return tmp_path


def test_configuration_and_password_are_private_to_their_owner(home: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert modes == {"airflow.cfg": 0o600, "passwords.json": 0o600}


def test_password_is_generated_once(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    first = airflow_home.password(home)
    airflow_home._write_login(home)
    assert airflow_home.password(home) == first
    other = tmp_path_factory.mktemp("other")
    airflow_home._write_login(other)
    assert airflow_home.password(other) != first
    assert len(first) >= 16


def test_given_password_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_ADMIN_PASSWORD", "given")
    airflow_home._write_login(home)
    assert json.loads((home / "passwords.json").read_text()) == {"admin": "given"}
