"""A warehouse in a lake: the commands that use it, its setting, and Airflow's connection to it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import URL

from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from tests.support.lakes import NEEDS_LAKES, new_lake
from tests.support.program import command
from tests.support.stand_in import StandIn
from virus_warehouse.settings import SettingError
from virus_warehouse.warehouse.lake_address import LakeAddress, lake_address
from virus_warehouse.warehouse.lake_storage import LakeStorage

pytestmark = [pytest.mark.slow, NEEDS_LAKES]


@pytest.fixture
def lake(catalog: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LakeAddress:
    """A lake that commands use, with mpox as the only source."""
    address = new_lake(catalog, tmp_path)
    (tmp_path / "sources.yaml").write_text("sources: {mpox: {taxon: 10244}}", encoding="utf-8")
    for name, value in {
        "SOURCES": tmp_path / "sources.yaml",
        "DATA": tmp_path / "data",
        "WAREHOUSE": address.setting,
    }.items():
        monkeypatch.setenv(f"VIRUS_{name}", str(value))
    return address


def test_commands_work_on_a_lake(lake, tmp_path):
    with StandIn(records=40) as ncbi:
        done = command("run", "mpox", "--no-publish", NCBI_DATASETS_URL=ncbi.url)
        assert done.returncode == 0, done.stderr
        assert command("census", "mpox", NCBI_DATASETS_URL=ncbi.url).returncode == 0  # which publishes
    counted = command("sql", "SELECT count(*) > 0 AS found FROM virus_genome_distinct", "--format", "csv")
    assert counted.stdout.split() == ["found", "true"]

    def succeeds(*arguments: str) -> None:
        done = command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert lake.password not in done.stdout + done.stderr

    for arguments in (
        ["replay", "mpox", "--no-publish"],
        ["acknowledge", "mpox"],
        ["publish"],
        ["housekeeping"],
        ["approve"],
        ["export", "--to", str(tmp_path / "export")],
        ["verify"],
        ["rebuild"],
        ["doctor", "--offline"],
    ):
        succeeds(*arguments)
    assert not (tmp_path / "data/warehouse.duckdb").exists()
    done = command("forget", "mpox", "--yes")
    assert done.returncode != 0, "it is in the sources file"
    (tmp_path / "sources.yaml").write_text("sources: {dengue: {taxon: 12637}}", encoding="utf-8")
    succeeds("forget", "mpox", "--yes")
    assert "no data of a source 'mpox'" in command("forget", "mpox", "--yes").stderr


def test_doctor_looks_at_the_lake(lake):
    def found() -> str:
        done = command("doctor", "--json")
        [lake_check] = [check for check in json.loads(done.stdout)["checks"] if check["check"] == "lake"]
        return str(lake_check["message"])

    assert "does not exist yet" in found()
    LakeStorage(lake).upgrade()
    assert "can be read, has its guards" in found()


def test_a_lake_is_not_replaced_by_a_file(lake):
    done = command("rebuild", "--replace")
    assert done.returncode != 0
    assert "is a lake, which is not replaced. Leave out --replace" in done.stderr
    assert lake.password not in done.stderr


def test_an_address_is_what_its_setting_says(catalog, tmp_path):
    address = new_lake(catalog, tmp_path)
    assert lake_address(address.setting, "VIRUS_WAREHOUSE") == address


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ducklake:postgresql://u:secret@h/d", "data_path"),
        ("ducklake:postgresql://u:secret@h/d?data_path=lake", "absolute path"),
        ("ducklake:postgresql://u:secret@h/d?data_path=/lake&datapath=/lake", "datapath"),
        ("ducklake:postgresql://u:secret@h?data_path=/lake", "no PostgreSQL database"),
        ("ducklake:mysql://u:secret@h/d?data_path=/lake", "no PostgreSQL database"),
        ("ducklake:secret", "no address of a lake"),
    ],
)
def test_wrong_addresses_are_explained_without_what_may_be_secret(text, fault):
    with pytest.raises(SettingError, match=fault) as error:
        lake_address(text, "VIRUS_WAREHOUSE")
    assert "secret" not in str(error.value)
    assert str(error.value).startswith(("VIRUS_WAREHOUSE", "data_path in VIRUS_WAREHOUSE"))


def test_connection_of_airflow_has_user_and_password_in_their_own_fields(catalog, tmp_path, monkeypatch):
    monkeypatch.delenv("VIRUS_WAREHOUSE", raising=False)
    address = new_lake(catalog, tmp_path)
    bare = replace(address, catalog=URL.create("postgresql", None, None, *address.catalog[3:6]))
    connection = {
        "conn_type": "virus_warehouse",
        "host": bare.setting,
        "login": address.catalog.username,
        "password": address.password,
    }
    monkeypatch.setenv("AIRFLOW_CONN_VIRUS_WAREHOUSE", json.dumps(connection))
    hook = VirusWarehouseHook()
    assert hook.get_conn().storage.setting == address.setting
    assert hook.test_connection() == (True, f"{address} does not exist yet; the first run creates it")
    monkeypatch.setenv("AIRFLOW_CONN_VIRUS_WAREHOUSE", json.dumps({**connection, "password": "wrong"}))
    works, said = hook.test_connection()
    assert not works
    assert "its catalog cannot be reached" in said
