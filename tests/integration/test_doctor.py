"""`virus-warehouse doctor`, as a person or a monitoring script calls it: output, exit codes, and nothing changed."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support.killed_process import KilledProcesses
from tests.support.program import PROGRAM, command
from tests.support.required_duckdb import NEEDS_REQUIRED_DUCKDB
from tests.support.stand_in import StandIn
from tests.support.tiers import some_of
from tests.support.warehouses import made_data
from virus_warehouse import __version__
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.checks import CHECKS


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    for name in os.environ:
        if name.startswith(("AIRFLOW_CONN_", "AIRFLOW__API__")):
            monkeypatch.delenv(name)
    (tmp_path / "sources.yaml").write_text("sources: {mpox: {taxon: 10244}}", encoding="utf-8")
    monkeypatch.setenv("VIRUS_SOURCES", str(tmp_path / "sources.yaml"))
    folder = made_data(tmp_path / "data")
    folder.root.chmod(0o750)
    monkeypatch.setenv("VIRUS_DATA", str(folder.root))
    return folder


@pytest.fixture
def ncbi(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn() as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        yield server


def contents(root: Path) -> dict[str, tuple[int, str]]:
    """Every path below a data folder, with the time of its last change and, of a file, its hash.

    Requests of the command count towards NCBI's limit, which is what the folder `pace` is for.
    """
    return {
        str(path): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in sorted(root.rglob("*"))
        if root / "pace" not in (path, path.parent)
    }


def verdicts(output: str) -> dict[str, str]:
    return {check["check"]: check["verdict"] for check in json.loads(output)["checks"]}


@NEEDS_REQUIRED_DUCKDB
def test_an_installation_that_works_is_said_to_work(data: DataFolder, ncbi: StandIn) -> None:
    assert command("run", "mpox").returncode == 0
    before = contents(data.root)
    done = command("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    *lines, summary = done.stdout.splitlines()
    assert summary.startswith("OK nothing failed (")
    named = [line.split()[1] for line in lines if not line.startswith(" ")]
    assert named == [check.name for check in CHECKS]
    assert f"ok       ncbi         {ncbi.url}, version " in done.stdout
    assert contents(data.root) == before

    as_json = command("doctor", "--json")
    outcome = json.loads(as_json.stdout)
    assert (as_json.returncode, outcome["succeeded"], outcome["version"]) == (0, True, __version__)
    assert [check["check"] for check in outcome["checks"]] == named
    assert all(check["way_out"] for check in outcome["checks"] if check["verdict"] != "ok")
    asked = len(ncbi.requests)
    assert command("doctor", "--offline").returncode == 0
    assert len(ncbi.requests) == asked


@NEEDS_REQUIRED_DUCKDB
def test_at_a_terminal_long_lines_are_wrapped_below_their_check(data: DataFolder) -> None:
    shown = pexpect.run(f"{PROGRAM} doctor --offline", encoding="utf-8", timeout=120, dimensions=(24, 80))
    lines = shown.splitlines()
    assert lines[-1].startswith("OK nothing failed")
    assert any(line.startswith(" " * 22) and "->" not in line for line in lines)
    # A path is not broken, so that it can be copied.
    assert all(len(line) <= 80 for line in lines if "/" not in line)
    assert str(data.warehouse) in shown


@NEEDS_REQUIRED_DUCKDB
def test_an_empty_place_stays_empty(data: DataFolder, ncbi: StandIn, tmp_path: Path) -> None:
    done = command("doctor", VIRUS_DATA=str(tmp_path / "nowhere"))
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "nowhere").exists()


@NEEDS_REQUIRED_DUCKDB
def test_the_exit_code_says_what_failed(data: DataFolder, ncbi: StandIn, tmp_path: Path) -> None:
    ncbi.fault("status", times=2)
    down = command("doctor")
    assert down.returncode == 1
    assert down.stdout.splitlines()[-1].startswith("FAILED ncbi (")
    assert "Traceback" not in down.stderr + down.stdout
    wrong = command("doctor", "--offline", "--json", VIRUS_THREADS="many", VIRUS_SOURCES=str(tmp_path / "none.yaml"))
    assert wrong.returncode == 2
    found = verdicts(wrong.stdout)
    assert [name for name, verdict in found.items() if verdict == "failure"] == ["settings", "sources"]
    assert json.loads(wrong.stdout)["succeeded"] is False


def test_airflows_address_comes_from_the_option_or_its_own_setting(data: DataFolder) -> None:
    assert verdicts(command("doctor", "--offline", "--json").stdout)["scheduler"] == "skipped"
    nobody = "http://127.0.0.1:1"
    for arguments, settings in ((("--airflow", nobody), {}), ((), {"AIRFLOW__API__BASE_URL": nobody})):
        done = command("doctor", "--json", *arguments, NCBI_DATASETS_URL=nobody, **settings)
        assert verdicts(done.stdout)["scheduler"] == "failure"
        assert done.returncode == 1


@NEEDS_REQUIRED_DUCKDB
@pytest.mark.parametrize(
    "moment",
    some_of(["download", "within the merge", "after the commit, before the checkpoint"], one_in=3, first=1),
)
def test_it_works_beside_a_load_and_does_not_disturb_it(data: DataFolder, ncbi: StandIn, moment: str) -> None:
    with KilledProcesses().living(data, ncbi.url, moment) as load:
        load.wait_for_moment()
        before = contents(data.root)
        done = command("doctor", "--json")
        assert contents(data.root) == before
        result = load.resume()
    assert (done.returncode, done.stderr) == (0, "")
    found = verdicts(done.stdout)
    assert found["schema"] == "skipped"
    assert {found[name] for name in ("lock", "log", "leftovers")} == {"ok"}
    assert result == "done"


def test_what_a_killed_load_left_is_found_and_the_next_one_removes_it(data: DataFolder, ncbi: StandIn) -> None:
    moment = "after the commit, before the checkpoint"
    with KilledProcesses().living(data, ncbi.url, moment) as load:
        load.wait_for_moment()
        load.kill()
    before = contents(data.root)
    done = command("doctor", "--json")
    assert contents(data.root) == before
    found = verdicts(done.stdout)
    assert {name: found[name] for name in ("lock", "log", "leftovers", "schema")} == {
        "lock": "ok",
        "log": "warning",
        "leftovers": "warning",
        "schema": "ok",
    }
    assert command("run", "mpox").returncode == 0
    after = verdicts(command("doctor", "--json").stdout)
    assert (after["log"], after["leftovers"]) == ("ok", "ok")
