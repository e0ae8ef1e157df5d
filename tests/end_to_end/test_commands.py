"""The commands of the Makefile, as a person types them."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from typing import Any

import duckdb
import psutil
import pytest
import requests

from tests.support.commands import CHECKOUT, make, make_here
from tests.support.program import AS_INSTALLED, command
from tests.support.stand_in import StandIn
from tests.support.warehouses import made_data
from virus_warehouse.data_folder import DataFolder


@pytest.fixture(autouse=True)
def as_installed(monkeypatch):
    """Processes have the packages that users have."""
    monkeypatch.setenv("PYTHONPATH", str(AS_INSTALLED), prepend=os.pathsep)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.strip().splitlines()[-1]


def test_help_lists_every_command():
    listed = make("help").stdout
    for name in (
        "setup",
        "demo",
        "ingest",
        "census",
        "replay",
        "publish",
        "rebuild",
        "acknowledge",
        "forget",
        "start",
        "sql",
        "export",
        "tables",
        "test",
        "lint",
    ):
        assert f"make {name}" in listed


OF_ONE_RUN = frozenset(
    {"run_id", "started_at", "ended_at", "requested_at", "ncbi_phid", "package_path", "seconds", "peak_rss_mib"}
)
"""Columns of the ledger that differ in any two runs: ids, times, and the place of the package, with its id."""

OF_AIRFLOW = {"dag_id": None, "dag_run_id": None, "run_type": None, "try_number": None}
"""Columns that only a run in Airflow fills; `versions` has Airflow's, too."""


def ledger_row(data: DataFolder) -> dict[str, Any]:
    """The row of the only run, without what differs in any two runs."""
    with duckdb.connect(data.warehouse, read_only=True) as connection:
        result = connection.execute("FROM ops.ingest_run")
        names = [column[0] for column in result.description]
        [row] = result.fetchall()
    return {name: value for name, value in zip(names, row, strict=True) if name not in OF_ONE_RUN}


def test_the_command_writes_the_same_ledger_row(ingested, mpox_loaded, tmp_path):
    """`virus-warehouse run` of the same package, in a folder of its own, leaves the row that the DAG has left."""
    other = made_data(tmp_path / "of the command")
    environment = {"VIRUS_DATA": str(other.root), "NCBI_DATASETS_URL": ingested.stand_in_url}
    done = command("run", "mpox", "--no-publish", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    of_dag, of_command = ledger_row(ingested.data), ledger_row(other)
    assert all(of_dag[name] for name in OF_AIRFLOW)
    assert of_dag["versions"]["airflow"]
    without_airflow = {**of_dag["versions"], "airflow": None}
    assert of_command == {**of_dag, **OF_AIRFLOW, "versions": without_airflow}
    assert {"lines", "inserted", "watermark", "package_sha256", "request_url"} <= {
        name for name, value in of_command.items() if value
    }


def test_ingest_prints_the_outcome_and_sql_shows_it(ingested, mpox_loaded, data):
    assert last_line(ingested.done).startswith("OK mpox: full load committed, ")

    prompt = command("sql", typed="SELECT count(*) > 50 AS loaded FROM virus_genome;\n")
    assert "true" in prompt.stdout, prompt.stderr

    exported = make_here("export")
    assert exported.returncode == 0, exported.stderr
    file = data.root / "export" / "mpox" / "virus_genome.parquet"
    assert str(file) in exported.stdout
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT count(*) > 50 FROM '{file}'").fetchall() == [(True,)]
    chosen = make_here("export", "FORMAT=csv", "SOURCE=mpox", "WHERE=version > 0", f"FOLDER={data.root}/as csv")
    assert chosen.returncode == 0, chosen.stderr
    assert (data.root / "as csv" / "mpox" / "virus_genome.csv").stat().st_size > 0
    unknown = make_here("export", "SOURCE=flu")
    assert unknown.returncode != 0
    assert unknown.stderr.startswith("the snapshot has no source 'flu'; it has mpox")
    assert make_here("export", "FORMAT=xlsx").returncode != 0


def test_census_replay_and_rebuild_print_their_outcomes(stand_in, follow, data):
    follow("{mpox: {taxon: 10244}}")
    first = make_here("census", "SOURCE=mpox")
    assert first.returncode == 0, first.stdout + first.stderr
    assert last_line(first).startswith("OK mpox: full load committed, ")
    replayed = make_here("replay", "SOURCE=mpox")
    assert last_line(replayed).startswith("OK mpox: replay load committed, 0 lines"), replayed.stdout + replayed.stderr
    rebuilt = make_here("rebuild", "REPLACE=1")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert "2 loads repeated." in rebuilt.stdout
    assert last_line(rebuilt).startswith("The rebuilt warehouse is in place; the old one is ")


def test_findings_are_acknowledged_and_an_unfollowed_source_is_forgotten(mpox_loaded, follow, data):
    with duckdb.connect(data.warehouse) as connection:
        connection.execute(
            "INSERT INTO ops.schema_drift BY NAME "
            "SELECT 'mpox' AS source, 'data_report' AS report, '$.x' AS path, 'run' AS first_run_id, 1 AS occurrences"
        )
    acknowledged = make_here("acknowledge", "SOURCE=mpox")
    assert "acknowledged 0 quarantined lines and 1 unknown field" in acknowledged.stdout

    followed = make_here("forget", "SOURCE=mpox", "YES=1")
    assert followed.returncode != 0
    assert "still has source mpox: remove it there first" in followed.stderr
    follow("{dengue: {taxon: 12637}}")
    for typed in ("", "yes\n"):
        kept = make_here("forget", "SOURCE=mpox", typed=typed)
        assert kept.returncode != 0
        assert "Nothing was removed" in kept.stderr
    assert "rows of main.virus_genome" in kept.stdout
    assert "1 package with" in kept.stdout
    assert (data.packages / "mpox").exists()
    forgotten = make("forget", "SOURCE=mpox", typed="mpox\n")
    assert forgotten.returncode == 0, forgotten.stderr
    assert last_line(forgotten).endswith(
        "Removed mpox. The published snapshot still shows it until the next publication."
    )
    with duckdb.connect(data.warehouse) as connection:
        assert connection.execute("SELECT count(*) FROM virus_genome").fetchall() == [(0,)]
    again = make_here("forget", "SOURCE=mpox", "YES=1")
    assert "no data of a source 'mpox'; there is data of no source" in again.stderr


def test_missing_records_of_a_full_load_can_be_accepted(mpox_loaded, data, monkeypatch):
    with StandIn(seed=2) as other_world:
        monkeypatch.setenv("NCBI_DATASETS_URL", other_world.url)
        refused = make_here("census", "SOURCE=mpox")
        assert refused.returncode != 0
        assert last_line(refused).startswith("FAILED mpox: GateError: missing records")
        accepted = make_here("census", "SOURCE=mpox", "ACCEPT_MISSING=1")
        assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    rebuilt = make_here("rebuild", "REPLACE=1", "FROM_OLDEST=1")
    assert "2 loads repeated." in rebuilt.stdout, rebuilt.stdout + rebuilt.stderr


def test_blocked_ingest_prints_the_reason_and_is_published_when_accepted(stand_in, follow, data, tmp_path):
    follow("{mpox: {taxon: 10244}}")
    assert make_here("ingest", "SOURCE=mpox", "ACCEPT_EMPTIED=1").returncode == 0
    with duckdb.connect(data.warehouse) as connection:
        connection.execute("DELETE FROM virus_genome WHERE hash(accession) % 2 = 0")
    held_back = make_here("ingest", "SOURCE=mpox")
    assert held_back.returncode != 0
    assert last_line(held_back).startswith(
        "FAILED mpox: loaded but held back by shrinkage; the snapshot shows its last published state. Look at "
    )
    follow("{mpox: {taxon: 10244}, dengue: {taxon: 12637}}")
    other = make_here("ingest", "SOURCE=dengue")
    assert other.returncode == 0, "the gate must not affect another source"
    assert "held back: shrinkage of mpox: of " in last_line(other)
    not_all = make_here("publish")
    assert not_all.returncode != 0
    assert "is published without all sources. mpox: held back by shrinkage; the snapshot" in last_line(not_all)
    assert "mpox is held back since" in make_here("approve").stdout
    assert "OK mpox keeps" in make_here("approve", "SOURCE=mpox", "KEEP=1").stdout
    backup = make_here("backup", f"TO={tmp_path / 'backups'}")
    assert backup.returncode == 0, backup.stdout + backup.stderr
    assert "mpox: Held back since" in make_here("doctor").stdout
    accepted = make_here("ingest", "SOURCE=mpox", "ACCEPT_FINDINGS=shrinkage history")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert last_line(accepted).startswith("OK mpox: ")
    assert "accepted: shrinkage of mpox: of " in last_line(accepted)
    with duckdb.connect(data.warehouse) as connection:
        connection.execute("DELETE FROM virus_genome WHERE source = 'mpox'")
    assert make_here("publish", "SOURCE=dengue", "ACCEPT_FINDINGS=shrinkage").returncode != 0
    published = make_here("publish", "SOURCE=mpox", "ACCEPT_FINDINGS=shrinkage")
    assert published.returncode == 0
    assert last_line(published) == f"OK {data.snapshot} is published."
    unknown = make_here("ingest", "SOURCE=mpox", "ACCEPT_FINDINGS=everything")
    assert unknown.returncode != 0
    assert "invalid choice: 'everything'" in unknown.stderr
    assert "'shrinkage'" in unknown.stderr


def test_ingest_prints_the_ncbi_error_message(stand_in, follow, data, monkeypatch):
    monkeypatch.setenv("NCBI_DATASETS_PATIENCE", "3")
    follow("{mpox: {taxon: 10244}}")
    stand_in.fault(
        "status", times=50, status=502, body='{"error":"Bad Gateway","code":502,"message":"upstream is away"}'
    )
    done = make_here("ingest", "SOURCE=mpox")
    assert done.returncode != 0
    assert last_line(done).startswith("FAILED mpox: DatasetsUnavailable")
    assert "upstream is away" in last_line(done)
    assert len(stand_in.requests) > 1, "the task itself must retry: Airflow's retries would take too long"


def test_ingest_of_an_unknown_source_fails(follow, data):
    follow("{mpox: {taxon: 10244}}")
    done = make_here("ingest", "SOURCE=monkeypox")
    assert done.returncode != 0
    assert "no source is named 'monkeypox'; the file has mpox" in done.stderr


def test_ingest_without_a_usable_data_folder_fails(follow, tmp_path, monkeypatch):
    follow("{mpox: {taxon: 10244}}")
    (tmp_path / "file").touch()
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path / "file" / "data"))
    done = make_here("ingest", "SOURCE=mpox")
    assert done.returncode != 0
    assert f"{tmp_path}/file/data" in done.stderr
    assert "Set VIRUS_DATA" in done.stderr


def test_check_sources_names_file_source_and_key(follow, tmp_path):
    follow("{mpox: {taxon: 10244}, flu: {taxon: 11320, aux_reports: [BIOSAMPLE]}}")
    done = make_here("check-sources")
    assert done.returncode != 0
    (line, summary) = done.stdout.strip().splitlines()[-2:]
    for part in (str(tmp_path / "sources.yaml"), "'flu'", "'aux_reports'", "BIOSAMPLE_REPORT"):
        assert part in line
    assert "1 valid source: mpox" in summary


def test_check_sources_passes_the_repositorys_own(data):
    assert make_here("check-sources").returncode == 0


def test_sql_before_anything_is_published(data):
    done = command("sql")
    assert done.returncode != 0
    assert "virus-warehouse run SOURCE" in done.stderr


def test_tables_regenerates_the_committed_page():
    page = CHECKOUT / "docs/tables.md"
    before = page.read_text(encoding="utf-8")
    assert make_here("tables").returncode == 0
    assert page.read_text(encoding="utf-8") == before, "run make tables, and read what it changed"


def test_setup_is_quick_when_nothing_changed():
    make("setup")
    assert make("setup").stdout == ""


def test_demo_shows_three_days():
    done = make("demo", TEST_OF_DEMO="1")
    assert done.returncode == 0, done.stdout + done.stderr
    for title in (
        "The ledger: one row per run, every line accounted for",
        "Records by virus and status",
        "What the last run revised: old and new values",
        "The ten newest records, with place, host and lineage",
    ):
        assert title in done.stdout
    ledger = [line.split() for line in done.stdout.splitlines() if " success " in line]
    assert [row[1:3] for row in ledger] == [
        ["sars2_usa", "full"],
        ["viruses", "full"],
        ["viruses", "incremental"],
        ["viruses", "incremental"],
    ]
    assert not processes_with("TEST_OF_DEMO")
    asked = make("sql", "VIRUS_DATA=data/demo", typed="SELECT count(*) > 300 AS loaded FROM virus_genome;\n")
    assert "true" in asked.stdout, asked.stderr


def test_start_answers_and_leaves_no_process(data, follow):
    """`tests/unit/test_start.py` has the same with short programs in place of Airflow's parts."""
    follow("{mpox: {taxon: 10244}}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sources = os.environ["VIRUS_SOURCES"]
    command = ["make", "--no-print-directory", "start", f"VIRUS_DATA={data.root}", f"VIRUS_SOURCES={sources}"]
    marker = f"TEST_OF_START_{port}"
    environment = os.environ | {"AIRFLOW__API__PORT": str(port), marker: "1"}
    environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"http://127.0.0.1:{port}/execution/"
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        first = process.stdout.readline()
        assert f"http://127.0.0.1:{port}" in first
        assert "password " in first
        wait_until_healthy(port)
    finally:
        # Ctrl-C reaches the whole foreground group of the terminal, not only make.
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # Airflow's child processes may have ended
                if "scripts/start.py" in " ".join(child.cmdline()):
                    child.send_signal(signal.SIGINT)
        process.communicate(timeout=90)
    assert not processes_with(marker)


def wait_until_healthy(port: int, seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    state: object = None
    while time.monotonic() < deadline:
        try:
            state = requests.get(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5).json()
            if all(state[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                return
        except (requests.RequestException, ValueError, KeyError) as error:
            state = error
        time.sleep(1)
    pytest.fail(f"Airflow was not healthy after {seconds} s: {state}")


def processes_with(variable: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if variable in process.environ():
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
