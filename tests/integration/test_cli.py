"""The command `virus-warehouse`, as a person or a script calls it, without Airflow: output and exit codes."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.program import PROGRAM, command
from tests.support.scripted_server import Answer, HeldBody, ScriptedServer
from tests.support.stand_in import StandIn
from tests.support.waiting import until
from tests.support.warehouses import made_data, query
from tests.support.web_server import WebServer
from virus_warehouse import __version__
from virus_warehouse.data_folder import DataFolder

SOURCES = "sources: {mpox: {taxon: 10244}}"

pytestmark = pytest.mark.slow


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A data folder; mpox is followed."""
    (tmp_path / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    monkeypatch.setenv("VIRUS_SOURCES", str(tmp_path / "sources.yaml"))
    folder = made_data(tmp_path / "data")
    monkeypatch.setenv("VIRUS_DATA", str(folder.root))
    return folder


@pytest.fixture
def ncbi(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn() as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        yield server


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A data folder after a first `run mpox`. It stays as it is."""
    folder = tmp_path_factory.mktemp("loaded")
    (folder / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    data = made_data(folder / "data")
    settings = {"VIRUS_SOURCES": str(folder / "sources.yaml"), "VIRUS_DATA": str(data.root)}
    with StandIn() as server:
        done = command("run", "mpox", NCBI_DATASETS_URL=server.url, **settings)
    assert done.returncode == 0, done.stderr
    return data


@pytest.fixture
def loaded(data: DataFolder, loaded_once: DataFolder) -> DataFolder:
    """The data folder after a first `run mpox`."""
    shutil.rmtree(data.root)
    shutil.copytree(loaded_once.root, data.root)
    return data


@pytest.fixture
def only_read(loaded_once: DataFolder, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """The same folder, for commands that change nothing."""
    monkeypatch.setenv("VIRUS_SOURCES", str(loaded_once.root.parent / "sources.yaml"))
    monkeypatch.setenv("VIRUS_DATA", str(loaded_once.root))
    return loaded_once


@pytest.fixture(scope="module")
def held_back_once(
    loaded_once: DataFolder, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DataFolder, subprocess.CompletedProcess[str]]:
    """The data folder after half of the records were lost, and the next `run mpox`. It stays as it is."""
    folder = tmp_path_factory.mktemp("held back")
    (folder / "sources.yaml").write_text(SOURCES, encoding="utf-8")
    data = DataFolder(Path(shutil.copytree(loaded_once.root, folder / "data")))
    damage(data, "DELETE FROM virus_genome WHERE hash(accession) % 2 = 0")
    settings = {"VIRUS_SOURCES": str(folder / "sources.yaml"), "VIRUS_DATA": str(data.root)}
    with StandIn() as server:
        return data, command("run", "mpox", NCBI_DATASETS_URL=server.url, **settings)


@pytest.fixture
def held_back(data: DataFolder, held_back_once: tuple[DataFolder, object]) -> DataFolder:
    """A copy of it that a test can change."""
    shutil.rmtree(data.root)
    shutil.copytree(held_back_once[0].root, data.root)
    return data


def installed(*arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the installed program, as a shell does."""
    return subprocess.run([PROGRAM, *arguments], input=typed, capture_output=True, text=True, timeout=120)


def damage(data: DataFolder, sql: str) -> None:
    with duckdb.connect(data.warehouse) as connection:
        connection.execute(sql)


def test_run_loads_and_publishes_and_sql_answers(data: DataFolder, ncbi: StandIn) -> None:
    done = installed("run", "mpox")
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert line.startswith("OK mpox: full load committed, ")
    assert "INFO run " in done.stderr
    assert "alembic" not in done.stderr

    assert "true" in command("sql", "SELECT count(*) > 50 AS loaded FROM virus_genome").stdout
    assert command("sql", "SELECT 1 AS a, 'x' AS b;", "--format", "csv").stdout == "a,b\n1,x\n"
    assert json.loads(command("sql", "SELECT 1 AS a", "--format", "json").stdout) == {"a": 1}
    assert "true" in installed("sql", typed="SELECT count(*) > 50 AS loaded FROM virus_genome;\n").stdout
    assert "question" in command("sql", "FROM cookbook").stdout
    file = data.root / "answer.parquet"
    assert command("sql", "SELECT 1 AS a", "--format", "parquet", "--to", str(file)).returncode == 0
    assert duckdb.sql(f"FROM '{file}'").fetchall() == [(1,)]
    refused = command("sql", "DELETE FROM virus_genome")
    assert refused.returncode == 1
    assert "read-only" in refused.stderr


def test_output_is_appended_to_an_existing_file(only_read: DataFolder, tmp_path: Path) -> None:
    kept = tmp_path / "answers.csv"
    with kept.open("w") as file:
        file.write("n\n1\n")
        file.flush()
        subprocess.run([PROGRAM, "sql", "SELECT 2 AS n", "--format", "csv"], stdout=file, check=True)
    assert kept.read_text() == "n\n1\nn\n2\n"


def test_json_is_one_object_with_the_ledger_row(data: DataFolder, ncbi: StandIn) -> None:
    outcome = json.loads(command("run", "mpox", "--json").stdout)
    assert (outcome["succeeded"], outcome["published"], outcome["findings"]) == (True, True, [])
    [(run_id, lines)] = query(data.snapshot, "SELECT run_id, lines FROM ops.ingest_run")
    assert (outcome["run"]["run_id"], outcome["run"]["lines"]) == (run_id, lines)
    assert outcome["run"]["dag_id"] is None
    published = json.loads(command("publish", "--json").stdout)
    assert published["snapshot"] == str(data.snapshot)
    assert published["held_back"] == {}


def test_days_modes_and_no_publication(data: DataFolder, ncbi: StandIn) -> None:
    assert command("run", "mpox", "--no-publish").returncode == 0
    assert not data.snapshot.exists()
    window = json.loads(
        command("run", "mpox", "--since", "2025-01-01", "--until", "2025-02-01", "--no-publish", "--json").stdout
    )
    assert (window["run"]["mode"], window["run"]["until"], window["published"]) == ("window", "2025-02-01", False)
    census = json.loads(command("census", "mpox", "--json").stdout)
    assert (census["run"]["mode"], census["run"]["missing"], census["published"]) == ("full", 0, True)
    assert "replay load committed, 0 lines" in command("replay", "mpox", "--no-publish").stdout
    full = json.loads(command("run", "mpox", "--mode", "full", "--no-publish", "--json").stdout)
    assert full["run"]["mode"] == "full"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("sql", "SELECT 1"), "virus.duckdb yet. `virus-warehouse run SOURCE` loads and publishes a source."),
        (("export",), "virus.duckdb yet. `virus-warehouse run SOURCE` loads and publishes a source."),
        (("publish",), "Not published: nothing has been loaded yet. `virus-warehouse run SOURCE`"),
        (("forget", "mpox"), "still has source mpox: remove it there first"),
        (("rebuild",), "nothing to rebuild from"),
    ],
)
def test_errors_are_reported_in_one_line(data: DataFolder, arguments: tuple[str, ...], reason: str) -> None:
    done = command(*arguments)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not DataFolder.from_environment().snapshot.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "mpox", "--mode", "everything"),
        ("run", "mpox", "--accept", "all"),
        ("ingest",),
        ("publish", "x"),
        ("verify", "ftp://host/virus.duckdb"),
        ("verify", "virus.duckdb", "--manifest", "s3://bucket/latest.json"),
    ],
)
def test_invalid_arguments_exit_with_2(data: DataFolder, arguments: tuple[str, ...]) -> None:
    assert command(*arguments).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--until", "2026-11-01"), "a window needs a first day, such as 2026-11-01: `--since`"),
        (("--since", "2026-13-01"), "is not a day"),
        (("--since", ""), "need a day"),
        (("--since", "2026-11-02", "--until", "2026-11-01"), "until"),
        (("--mode", "census", "--since", "2026-11-01"), "leave out either the days or the mode 'census'"),
    ],
)
def test_invalid_window_is_wrong_usage_and_starts_no_run(
    data: DataFolder, arguments: tuple[str, ...], reason: str
) -> None:
    done = command("run", "mpox", *arguments)
    assert (done.returncode, list(data.runs.iterdir())) == (2, [])
    assert reason in " ".join(done.stderr.replace("│", " ").split())


def test_unknown_source_is_wrong_usage_and_json_too(data: DataFolder) -> None:
    done = command("run", "flu", "--json")
    assert done.returncode == 2
    outcome = json.loads(done.stdout)
    assert (outcome["succeeded"], outcome["message"] in done.stderr, "Traceback" in done.stderr) == (False, True, False)
    assert "no source is named 'flu'; the file has mpox" in outcome["message"]


@pytest.mark.parametrize("arguments", [("acknowledge", "flu"), ("forget", "flu"), ("publish", "--source", "flu")])
def test_unknown_source_is_refused_with_the_known_names(loaded: DataFolder, arguments: tuple[str, ...]) -> None:
    """Known are followed sources, and those that are followed no longer but have data."""
    (loaded.root.parent / "sources.yaml").write_text("sources: {dengue: {taxon: 12637}}", encoding="utf-8")
    refused = command(*arguments)
    assert (refused.returncode, refused.stdout) == (2, ""), refused
    assert "'flu'" in refused.stderr
    assert "mpox" in refused.stderr
    assert "dengue" in refused.stderr or arguments[0] == "forget"
    assert list(loaded.candidates.glob("*.duckdb")) == [], "nothing is prepared in vain"


def test_known_sources_are_acknowledged_and_accepted(loaded: DataFolder, tmp_path: Path) -> None:
    """Also one that has not run yet, and, without a sources file, one that has run."""
    assert command("acknowledge", "mpox", VIRUS_DATA=str(made_data(tmp_path / "new").root)).returncode == 0
    assert command("publish", "--source", "mpox", "--accept", "shrinkage").returncode == 0
    (loaded.root.parent / "sources.yaml").unlink()
    assert command("acknowledge", "mpox").returncode == 0


def test_run_of_another_process_is_not_reported(loaded: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other run starts later and succeeds."""
    let_go = threading.Event()
    refusal = b'{"error":"Bad Request","code":400,"message":"no such taxon"}'
    answer = Answer(400, body=HeldBody([refusal[:10]], refusal[10:], let_go))
    with ScriptedServer(answer) as ncbi:
        monkeypatch.setenv("NCBI_DATASETS_URL", ncbi.url)
        first = subprocess.Popen([PROGRAM, "run", "mpox"], stdout=subprocess.PIPE, text=True)
        until(lambda: bool(ncbi.requests), 60)
        replayed = command("replay", "mpox", "--no-publish")
        assert replayed.stdout.startswith("OK mpox: replay load committed")
        let_go.set()
        output, _ = first.communicate(timeout=60)
    assert first.returncode == 1
    assert output.startswith("FAILED mpox: RequestRefused")


def test_damaged_snapshot_is_reported_with_instructions(loaded: DataFolder) -> None:
    loaded.snapshot.chmod(0o640)
    loaded.snapshot.write_bytes(b"x" * 5000)
    damaged = command("publish")
    assert damaged.returncode == 1
    assert f"{loaded.snapshot} is damaged. Delete it" in damaged.stderr
    loaded.snapshot.unlink()
    assert command("publish").returncode == 0


def test_sql_answers_every_kind_of_query(only_read: DataFolder, tmp_path: Path) -> None:
    assert command("sql", "SELECT range FROM range(300)").stdout.count("\n") > 300, "complete without a terminal"
    assert "1" in command("sql", "-- one\nSELECT 1 AS a").stdout
    assert command("sql", "DESCRIBE taxon", "--format", "csv").stdout.startswith("column_name,")
    assert json.loads(command("sql", "SELECT 1 AS a ; -- one", "--format", "json").stdout) == {"a": 1}
    assert command("sql", "--format", "csv", typed="SELECT 1 AS a").stdout == "a\n1\n"
    file = tmp_path / "answer.parquet"
    assert command("sql", "SELECT 1 AS a", "--to", str(file)).returncode == 0
    assert duckdb.sql(f"FROM '{file}'").fetchall() == [(1,)]
    assert [command("sql", query).returncode for query in ("SELECT 1; SELECT 2", "")] == [2, 2]
    assert command("sql", f"COPY (SELECT 1) TO '{tmp_path}/copy.csv'").returncode == 0


def test_reading_commands_create_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path / "mistyped"))
    assert command("sql", "SELECT 1").returncode == 1
    assert command("export", "--to", str(tmp_path / "export")).returncode == 1
    assert not (tmp_path / "mistyped").exists()


def test_blocked_source_fails_until_it_is_accepted(
    held_back: DataFolder, held_back_once: tuple[object, subprocess.CompletedProcess[str]], ncbi: StandIn
) -> None:
    _, run = held_back_once
    assert run.returncode == 1
    assert run.stdout.startswith(
        "FAILED mpox: loaded but held back by shrinkage; the snapshot shows its last published state. Look at the "
        "records, then accept them once: answer the required action in Airflow, `virus-warehouse approve mpox`, "
        "`virus-warehouse publish --source mpox --accept shrinkage`, "
    )
    assert "rows, such as" not in run.stdout, "they are in the log"
    assert "rows, such as" in run.stderr
    not_all = command("publish")
    assert not_all.returncode == 1
    assert "mpox: held back by shrinkage; " in not_all.stdout
    assert "--accept shrinkage" in not_all.stdout
    accepted = command("run", "mpox", "--accept", "shrinkage", "--accept", "history")
    assert accepted.returncode == 0, accepted.stdout
    assert "accepted: shrinkage of mpox" in accepted.stdout


def test_what_waits_is_listed_kept_and_approved(held_back: DataFolder) -> None:
    assert command("approve", "--keep").returncode == 2
    listed = command("approve").stdout
    assert re.search(r"^mpox is held back since \S+ \S+ UTC, waits for an answer:\n  shrinkage of mpox: of ", listed)
    assert "  To publish it despite this: virus-warehouse approve mpox\n" in listed
    kept = command("approve", "mpox", "--keep", "--by", "ada")
    assert (kept.returncode, kept.stdout[:33]) == (0, "OK mpox keeps its last published ")
    assert ", kept by ada:" in command("approve").stdout
    [waiting] = json.loads(command("approve", "--json").stdout)["mpox"]
    assert (waiting["gate"], waiting["kept_by"]) == ("shrinkage", "ada")
    approved = command("approve", "mpox")
    assert (approved.returncode, approved.stdout) == (0, "OK mpox is published.\n")
    assert command("approve").stdout == "Nothing waits for an answer.\n"
    nothing = command("approve", "mpox")
    assert nothing.returncode == 2
    assert "nothing of mpox waits for an answer; `virus-warehouse approve` lists what does" in nothing.stderr


def test_approval_of_earlier_figures_publishes_nothing(held_back: DataFolder) -> None:
    damage(held_back, "DELETE FROM virus_genome WHERE hash(accession) % 3 = 0")
    other = command("approve", "mpox")
    assert (other.returncode, other.stdout[:35]) == (1, "FAILED mpox has other findings now:")


def test_full_load_with_missing_records_is_loaded_if_they_are_accepted(loaded: DataFolder) -> None:
    """The next test shows that it is refused otherwise."""
    with StandIn(seed=2) as other_world:
        url = other_world.url
        done = command("census", "mpox", "--accept", "missing", "--no-publish", NCBI_DATASETS_URL=url)
    assert done.returncode == 0, done.stdout


def test_stopped_census_is_listed_kept_and_loaded_from_the_archive(
    loaded: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StandIn(seed=2) as other_world:
        monkeypatch.setenv("NCBI_DATASETS_URL", other_world.url)
        refused = command("census", "mpox")
    assert refused.returncode == 1
    assert refused.stdout.startswith("FAILED mpox: GateError: missing records")
    assert "`--accept missing`" in refused.stdout
    # Nothing is downloaded from here on: that NCBI is gone.
    listed = command("approve").stdout
    assert re.search(r"^mpox: the census of \S+ \S+ UTC was stopped, waits for an answer:\n  missing records: ", listed)
    assert "  To load the archived package: virus-warehouse approve mpox\n" in listed
    kept = command("approve", "mpox", "--keep", "--by", "ada")
    assert (kept.returncode, kept.stdout[:39]) == (0, "OK mpox keeps the records that it holds")
    assert ", kept by ada:" in command("approve").stdout
    [waiting] = json.loads(command("approve", "--json").stdout)["mpox"]
    assert (waiting["to"], waiting["gate"], waiting["kept_by"]) == ("load", "missing", "ada")
    approved = json.loads(command("approve", "mpox", "--by", "grace", "--json").stdout)
    assert (approved["answer"], approved["held_back"]) == ("load", {})
    by = "SELECT approved_by, archived_run_id FROM ops.ingest_run WHERE run_id = ?"
    assert query(loaded.snapshot, by, approved["run_id"]) == [("grace", waiting["run_id"])]
    answers = "SELECT source, name, regexp_replace(value, ', 20.*', '') FROM _about WHERE topic = 'answer'"
    assert query(loaded.snapshot, answers) == [("mpox", "missing", "load, grace")]
    assert command("approve").stdout == "Nothing waits for an answer.\n"
    command("publish")
    assert query(loaded.snapshot, answers) == [], "it counted for the snapshot with this load"


def test_fault_outside_all_sources_keeps_the_snapshot(loaded: DataFolder, ncbi: StandIn) -> None:
    damage(loaded, "INSERT INTO taxon FROM taxon LIMIT 1")
    blocked = command("publish")
    assert blocked.returncode == 1
    assert "unique_keys" in blocked.stderr
    ingested = command("run", "mpox")
    assert ingested.returncode == 1
    assert "FAILED mpox: loaded but not published; the last good snapshot stays. blocked: " in ingested.stdout
    assert command("publish", "--accept", "unique_keys").returncode == 0


def test_ncbi_error_message_is_quoted(data: DataFolder, ncbi: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCBI_DATASETS_PATIENCE", "1")
    body = '{"error":"Bad Gateway","code":502,"message":"upstream is away"}'
    ncbi.fault("status", times=50, status=502, body=body)
    done = command("run", "mpox")
    assert done.returncode == 1
    assert done.stdout.startswith("FAILED mpox: DatasetsUnavailable")
    assert "upstream is away" in done.stdout


def test_rebuild_export_acknowledge_and_forget(loaded: DataFolder) -> None:
    beside = command("rebuild")
    assert beside.returncode == 0
    assert "1 load repeated." in beside.stdout
    assert "the old one is unchanged" in beside.stdout
    exported = command("export", "--format", "csv", "--source", "mpox", "--to", str(loaded.root / "as csv"))
    assert exported.returncode == 0
    assert (loaded.root / "as csv" / "mpox" / "virus_genome.csv").stat().st_size > 0
    assert "acknowledged 0 quarantined lines" in command("acknowledge", "mpox").stdout
    for arguments, typed in ((("mpox", "--yes"), None), (("mpox",), "mpox\n")):
        followed = command("forget", *arguments, typed=typed)
        assert "still has source mpox: remove it there first" in followed.stderr
        assert (followed.returncode, followed.stdout) == (1, ""), "it is refused before the question"
    sources = loaded.root.parent / "sources.yaml"
    sources.write_text("sources: {dengue: {taxon: 12637}}", encoding="utf-8")
    kept = command("forget", "mpox", typed="")
    assert (kept.returncode, "no answer" in kept.stderr) == (1, True)
    forgotten = command("forget", "mpox", typed="mpox\n")
    assert forgotten.stdout.strip().endswith("The published snapshot still shows it until the next publication.")


def test_export_of_chosen_records_for_other_tools(only_read: DataFolder, tmp_path: Path) -> None:
    [(chosen,)] = query(only_read.snapshot, "SELECT count(*) FROM virus_genome WHERE country = 'USA'")
    to = ("--source", "mpox", "--where", "country = 'USA'", "--to", str(tmp_path / "out"))

    done = command("export", "--format", "augur", *to)
    assert (done.returncode, chosen > 5) == (0, True), done.stderr
    assert [line.split("/")[-1] for line in done.stdout.splitlines()] == ["metadata.tsv", "sequences.fasta"]
    assert done.stderr == f"{chosen} of {chosen} records without a sequence: in metadata.tsv only.\n"
    assert (tmp_path / "out" / "metadata.tsv").read_text().count("\n") == chosen + 1

    done = command("export", "--format", "dataformat", "--fields", "accession, host-name", *to)
    assert (done.returncode, done.stderr) == (0, "")
    header, *rows = (tmp_path / "out" / "virus_genome.tsv").read_text().splitlines()
    assert (header, len(rows)) == ("Accession\tHost Name", chosen)

    assert command("export", *to).returncode == 0
    with duckdb.connect() as connection:
        written = connection.execute(f"SELECT count(*) FROM '{tmp_path}/out/mpox/virus_genome.parquet'").fetchall()
    assert written == [(chosen,)]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--format", "dataformat", "--fields", "accession,isolate"), 2, "unknown field 'isolate'"),
        (("--format", "dataformat", "--fields", "accession,isolate"), 2, "isolate-collection-date"),
        (("--format", "csv", "--fields", "accession"), 2, "--fields is for --format dataformat, not for csv"),
        (("--format", "augur", "--where", "contry = 'USA'"), 1, '"contry" not found'),
        (("--where", "(SELECT content <> '' FROM read_text('/etc/passwd'))"), 1, "Cannot access file"),
    ],
)
def test_wrong_choices_of_an_export_are_explained(
    only_read: DataFolder, tmp_path: Path, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    done = command("export", *arguments, "--to", str(tmp_path / "out"))
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert reason in re.sub(r"[│\s]+", " ", done.stderr)
    assert not [path for path in (tmp_path / "out").glob("*") if path.is_file()]


def test_rebuild_names_the_runs_that_only_one_from_the_oldest_has(loaded: DataFolder, ncbi: StandIn) -> None:
    assert command("census", "mpox", "--no-publish").returncode == 0
    beside = command("rebuild")
    assert (beside.returncode, "the old one is unchanged" in beside.stdout) == (0, True)
    assert "mpox: the new file lacks what the old one has (runs: 1). `--from-oldest`" in beside.stderr
    replaced = command("rebuild", "--replace")
    assert (replaced.returncode, "The rebuilt warehouse is in place" in replaced.stdout) == (0, True)
    assert "`--from-oldest` repeats older loads, too: 1." in replaced.stderr
    whole = command("rebuild", "--replace", "--from-oldest")
    assert (whole.returncode, "The rebuilt warehouse is in place" in whole.stdout) == (0, True)
    assert "lacks" not in whole.stderr


def test_sources_check(data: DataFolder) -> None:
    checked = command("sources", "check")
    path = data.root.parent / "sources.yaml"
    assert (checked.returncode, checked.stdout) == (0, f"{path}: 1 valid source: mpox\n")
    path.write_text("sources: {mpox: {taxon: 10244}, a: {}, b: {taxon: 1, x: 1}}", encoding="utf-8")
    checked = command("sources", "check")
    first, second, last = checked.stdout.splitlines()
    assert checked.returncode == 1
    assert first.startswith(f"{path}: source 'a': key 'taxon'")
    assert second.startswith(f"{path}: source 'b': key 'x'")
    assert last == f"{path}: 1 valid source: mpox"
    path.write_text("", encoding="utf-8")
    empty = command("sources", "check")
    assert (empty.returncode, "the file is empty" in empty.stderr) == (2, True)


def test_verify_proves_the_snapshot_and_its_copies(only_read: DataFolder, tmp_path: Path) -> None:
    nothing = command("verify", VIRUS_DATA=str(made_data(tmp_path / "new").root))
    assert (nothing.returncode, "Nothing is published" in nothing.stderr) == (1, True)
    whole = command("verify")
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.startswith(f"OK virus.duckdb is as {only_read.manifest} says: publication 2")
    copy = tmp_path / "virus.duckdb"
    copy.write_bytes(only_read.snapshot.read_bytes()[:-4096])
    with WebServer(only_read.published) as site:
        assert command("verify", site.url).returncode == 0
        differs = command("verify", str(copy), "--manifest", f"{site.url}/latest.json", "--json")
    assert differs.returncode == 1
    outcome = json.loads(differs.stdout)
    assert (outcome["succeeded"], outcome["files"]) == (False, json.loads(only_read.manifest.read_text())["files"])
    assert outcome["differences"][0]["what"] == "bytes"
    shown = command("verify", str(copy), "--manifest", str(only_read.manifest))
    assert shown.returncode == 1
    assert shown.stdout.startswith("DIFFERS virus.duckdb: bytes: expected ")
    assert shown.stdout.splitlines()[-1].startswith("FAILED virus.duckdb is not as ")
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps(json.loads(only_read.manifest.read_text()) | {"publication_id": "\x1b[2Jodd"}))
    assert "publication ?[2Jodd, made at" in command("verify", str(copy), "--manifest", str(odd)).stdout
    lost = command("verify", str(copy), "--json")
    assert (lost.returncode, json.loads(lost.stdout)["succeeded"]) == (1, False)
    assert "latest.json does not exist" in lost.stderr


def test_dated_snapshots_are_kept_for_the_days_asked_for(
    data: DataFolder, ncbi: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", "many")
    refused = command("run", "mpox")
    assert refused.returncode == 2
    assert "VIRUS_KEEP_SNAPSHOTS is 'many'; it must be the number of days" in refused.stdout + refused.stderr
    assert not data.snapshot.exists()
    monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", "2")
    assert command("publish").returncode == 0
    [dated] = data.published.glob("virus-*.duckdb")
    assert command("verify", str(dated)).returncode == 0
    (data.root.parent / "sources.yaml").write_text("sources: {dengue: {taxon: 12637}}", encoding="utf-8")
    forgotten = command("forget", "mpox", "--yes")
    assert "stay as they are: 1. Delete" in forgotten.stdout
    assert dated.exists()


def test_version_and_help() -> None:
    assert command("--version").stdout.strip() == __version__
    listed = command("--help").stdout
    names = (
        "run census replay publish approve rebuild export fasta sql sources acknowledge forget housekeeping doctor "
        "verify backup restore migrate attach"
    )
    for name in names.split():
        assert f" {name} " in listed
