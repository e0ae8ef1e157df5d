"""Wrong settings, as a person or a script that calls `virus-warehouse` sees them: a message and exit code 2."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from virus_warehouse.cli.app import app
from virus_warehouse.data_folder import CHECKOUT

SECRET = "s3cr3t"

Environment = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, with mpox followed; NCBI is never asked."""
    (tmp_path / "sources.yaml").write_text("sources: {mpox: {taxon: 10244}}", encoding="utf-8")
    (tmp_path / "a file").write_text("text", encoding="utf-8")
    monkeypatch.setenv("VIRUS_SOURCES", str(tmp_path / "sources.yaml"))
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NCBI_DATASETS_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("NCBI_DATASETS_PATIENCE", "0.1")
    return tmp_path


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


RUN, PUBLISH = ("run", "mpox"), ("publish",)
WRONG = [
    (RUN, "NCBI_DATASETS_PATIENCE", "abc", "must be a positive number such as 100.0"),
    (RUN, "NCBI_DATASETS_PATIENCE", "-1", "must be a positive number such as 100.0"),
    (RUN, "NCBI_DATASETS_URL", "ftp://ncbi", "must be like https://"),
    (RUN, "NCBI_DATASETS_URL", "http://[::1", "must be like https://"),
    (RUN, "NCBI_DATASETS_URL", "http://host:port/v2", "must be like https://"),
    (RUN, "VIRUS_MAX_PACKAGE_BYTES", "1 TB", "must be a positive number such as 1000000000000"),
    (RUN, "VIRUS_MAX_COMPRESSION_RATIO", "0", "must be a positive number such as 500"),
    (RUN, "VIRUS_MEMORY_LIMIT", "much", "must be a size such as 350MB"),
    (RUN, "VIRUS_THREADS", "two", "must be a whole number from 1 to 1000"),
    (RUN, "VIRUS_THREADS", "0", "must be a whole number from 1 to 1000"),
    (PUBLISH, "VIRUS_MEMORY_LIMIT", "1", "must be a size such as 350MB"),
    (PUBLISH, "VIRUS_THREADS", "2000000", "must be a whole number from 1 to 1000"),
    (PUBLISH, "VIRUS_KEEP_SNAPSHOTS", "a month", "must be the number of days whose snapshot is kept, such as 30"),
    (RUN, "VIRUS_DATA", "{folder}/a file", "Set VIRUS_DATA to a writable folder"),
    (RUN, "VIRUS_DATA", "/proc/nowhere", "Set VIRUS_DATA to a writable folder"),
    (PUBLISH, "VIRUS_DATA", "{folder}/a file/data", "Set VIRUS_DATA to a writable folder"),
    (RUN, "VIRUS_DATA", "s3://VIRUSES", "is like s3://bucket/folder"),
    (PUBLISH, "VIRUS_DATA", "s3://viruses/data", "needs a lake"),
    (RUN, "VIRUS_WAREHOUSE", "{folder}", "VIRUS_WAREHOUSE"),
    (RUN, "VIRUS_WAREHOUSE", "{folder}/a file/warehouse.duckdb", "VIRUS_WAREHOUSE"),
    (PUBLISH, "VIRUS_WAREHOUSE", "/proc/warehouse.duckdb", "VIRUS_WAREHOUSE"),
    (PUBLISH, "VIRUS_WAREHOUSE", "{folder}/data/published/virus.duckdb", "name another file"),
    (RUN, "VIRUS_SOURCES", "{folder}/absent.yaml", "set VIRUS_SOURCES to the sources file"),
    (PUBLISH, "VIRUS_SOURCES", "{folder}", "set VIRUS_SOURCES to the sources file"),
    (RUN, "VIRUS_SOURCES", "{folder}/a file", "not a mapping"),
    (PUBLISH, "VIRUS_QUESTIONS", "{folder}/absent", "name the one with your saved questions"),
]


@pytest.mark.parametrize(("arguments", "name", "value", "way_out"), WRONG)
def test_wrong_setting_is_a_message_with_its_value_and_a_way_out(
    monkeypatch: pytest.MonkeyPatch, folder: Path, arguments: tuple[str, ...], name: str, value: str, way_out: str
) -> None:
    value = value.format(folder=folder)
    monkeypatch.setenv(name, value)
    done = command(*arguments, "--json")
    assert done.exit_code == 2, done.output
    outcome = json.loads(done.stdout)
    assert outcome["succeeded"] is False
    assert value in outcome["message"]
    assert way_out in outcome["message"]
    assert name in outcome["message"] or name == "VIRUS_SOURCES"
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NCBI_API_KEY", f"{SECRET} with spaces"),
        ("NCBI_DATASETS_URL", f"https://user:{SECRET}@ncbi.example/v2"),
        ("NCBI_DATASETS_URL", f"user:{SECRET}@ncbi.example"),
        ("NCBI_DATASETS_URL", f"https://ncbi.example/v2?api_key={SECRET}"),
        ("NCBI_DATASETS_PACE", f"mysql://user:{SECRET}@db.example/limits"),
    ],
)
def test_wrong_setting_with_a_secret_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    done = command(*RUN)
    assert (done.exit_code, name in done.output, SECRET in done.output) == (2, True, False)
    assert "Traceback" not in done.output


@pytest.mark.parametrize("arguments", [("rebuild",), ("acknowledge", "mpox"), ("forget", "flu", "--yes")])
def test_warehouse_that_cannot_be_created_is_named_by_every_command(
    monkeypatch: pytest.MonkeyPatch, folder: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("VIRUS_WAREHOUSE", str(folder))
    done = command(*arguments)
    assert (done.exit_code, "VIRUS_WAREHOUSE" in done.output) == (2, True), done.output


def test_unknown_source_and_wrong_window_are_json_too() -> None:
    for arguments in (("run", "flu"), ("census", "flu"), (*RUN, "--since", "2026-13-01"), (*RUN, "--until", "")):
        done = command(*arguments, "--json")
        assert (done.exit_code, json.loads(done.stdout)["succeeded"]) == (2, False)


def test_failure_is_no_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    done = command(*RUN)
    assert (done.exit_code, "DatasetsUnavailable" in done.output) == (1, True)


def test_copy_of_a_bucket_that_cannot_be_written_is_a_message_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRUS_DATA", "s3://viruses/data")
    monkeypatch.setenv("VIRUS_WAREHOUSE", f"ducklake:postgresql://user:{SECRET}@127.0.0.1:9/lake?data_path=/nowhere")
    monkeypatch.setenv("VIRUS_DATA_COPY", "/proc/nowhere")
    done = command(*RUN)
    assert done.exit_code == 2, done.output
    assert "/proc/nowhere" in done.output
    assert "Set VIRUS_DATA_COPY to a writable folder" in done.output
    assert SECRET not in done.output


def test_every_setting_of_the_documentation_is_tried() -> None:
    assert CHECKOUT is not None
    documented = re.findall(r"`((?:NCBI|VIRUS)_[A-Z_]+)`", (CHECKOUT / "docs" / "settings.md").read_text("utf-8"))
    assert set(documented) == {name for _, name, _, _ in WRONG} | {
        "NCBI_API_KEY",
        "NCBI_DATASETS_PACE",
        "VIRUS_DATA_COPY",
    }
