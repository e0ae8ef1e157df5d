"""Attacks on the console: reading or writing files, leaving the sandbox, exhausting resources.

Each attack succeeds without guards, fails with each of the guards that block it alone, and fails in the console as it
is. `make test` tries those that fail in one process, `make test-long` each in a process of its own.
"""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil
import pytest

from tests.support import every_function as every_function_program
from tests.support import many_queries, unguarded_sandbox
from tests.support.sandboxes import is_sandbox, sandboxes
from tests.support.tiers import all_long, some_of
from tests.support.unguarded_sandbox import GUARDS
from tests.support.waiting import until
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.sandbox.confinement import landlock_version
from virus_warehouse.sandbox.runner import STOPPED, Console, QueryFailed, QueryLimits

INCLUDE = Path(__file__).parents[2] / "include"
SECRET = "canary"
PATIENCE = 200
"""Seconds that a query may take in tests that are not about its time."""

needs_landlock = pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock")


@dataclass
class Scene:
    """A data folder with a snapshot and letters of its sequences, and a private folder beside it."""

    data: DataFolder
    beside: Path

    def state(self) -> dict[str, str]:
        """Every file with its contents."""
        files = [path for folder in (self.data.root, self.beside) for path in folder.rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def console(self, without: tuple[str, ...] = (), **limits: object) -> Console:
        limited = QueryLimits(**{"seconds": PATIENCE, **limits})  # type: ignore[arg-type]
        if not without:
            return Console(self.data, limited)
        return Console(self.data, limited, sandbox=(Path(unguarded_sandbox.__file__), *without))

    def answer(self, sql: str, without: tuple[str, ...] = (), **limits: object) -> str:
        """The console's response: the values, or the error."""
        console = self.console(without, **limits)
        try:
            table = asyncio.run(console.table(self.text(sql)))
        except QueryFailed as error:
            return f"{error.kind}: {error}"
        return "\n".join(str(value) for row in table.rows for value in row)

    def text(self, sql: str) -> str:
        """SQL with the paths of this scene. The snapshot's is public: SELECT path FROM duckdb_databases()."""
        return sql.format(
            beside=self.beside,
            snapshot=self.data.snapshot,
            parts=self.data.published_sequences,
            server=os.getpid(),
        )

    def answers(self, queries: Iterable[str], without: tuple[str, ...] = ()) -> list[str]:
        """The responses to several queries, one after another in the same process."""
        program = (Path(many_queries.__file__), *without)
        limits = QueryLimits(seconds=PATIENCE, table_bytes=100_000_000)
        texts = [self.text(sql) for sql in queries]
        table = asyncio.run(Console(self.data, limits, sandbox=program).table(json.dumps(texts)))
        return [str(shown) for (shown,) in table.rows]


@pytest.fixture
def scene(empty_scene: Path, tmp_path: Path) -> Scene:
    shutil.copytree(empty_scene, tmp_path, dirs_exist_ok=True, symlinks=True)
    return Scene(DataFolder(tmp_path / "data"), tmp_path / "beside")


@pytest.fixture(scope="module")
def empty_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new scene."""
    folder = tmp_path_factory.mktemp("scene")
    data, beside = DataFolder(folder / "data"), folder / "beside"
    data.create()
    (beside / "export").mkdir(parents=True)
    for path in ("export/schema.sql", "export/load.sql", "evil.duckdb_extension"):
        (beside / path).write_text(f"{SECRET} of a file", encoding="utf-8")
    with duckdb.connect(data.snapshot) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS a, 'x' || range AS b FROM range(1000)")
        add_parts(connection, data.published_sequences)
    (data.published_sequences / "link.parquet").symlink_to("../../../beside/secret.parquet")
    (data.published_sequences / "other.parquet.csv").write_text(f"{SECRET} of a file", encoding="utf-8")
    (data.published_sequences.parent / "sequences.csv").write_text(f"{SECRET} of a file", encoding="utf-8")
    with duckdb.connect(beside / "other.duckdb") as connection:
        connection.execute(f"CREATE TABLE secret AS SELECT '{SECRET}' AS word")
        for form in ("csv", "json", "parquet"):
            connection.execute(f"COPY secret TO '{beside}/secret.{form}'")
    return folder


def add_parts(connection: duckdb.DuckDBPyConnection, folder: Path, many: int = 40) -> None:
    """Parts of a sequence store, and a view of their letters: more of them than a query's process may open files."""
    folder.mkdir()
    for number in range(many):
        connection.execute(f"COPY (SELECT {number} AS position, 'ACGT' AS sequence) TO '{folder}/{number}.parquet'")
    names = ", ".join(f"'{number}.parquet'" for number in range(many))
    connection.execute(
        "CREATE VIEW letters AS FROM read_parquet(list_transform("
        f"[{names}], LAMBDA part: coalesce(getvariable('virus_sequences'), '{folder}') || '/' || part))"
    )


@dataclass(frozen=True)
class Attack:
    """SQL that must do no harm.

    Attributes:
        sql: the statement.
        guards: each of these alone blocks it.
        shows: part of the answer if it succeeds; empty: a file is new or has changed.
    """

    sql: str
    guards: tuple[str, ...]
    shows: str = ""

    def succeeds(self, scene: Scene, without: tuple[str, ...] = ()) -> bool:
        before = scene.state()
        answer = scene.answer(self.sql, without)
        return self.shows in answer if self.shows else scene.state() != before


READING, WRITING = ("locks", "landlock"), ("query", "locks", "landlock")
EVIL = "(FORMAT csv, USE_TMP_FILE false)"

ATTACKS = {
    "read_text": Attack("FROM read_text('/etc/passwd')", READING, "root:"),
    "read_blob": Attack("SELECT decode(content) FROM read_blob('/etc/passwd')", READING, "root:"),
    "read_csv": Attack("FROM read_csv('/etc/passwd', header = false, sep = ';')", READING, "root:"),
    "sniff_csv": Attack("FROM sniff_csv('{beside}/secret.csv')", READING, "word"),
    "read_json": Attack("FROM read_json('{beside}/secret.json')", READING, SECRET),
    "read_parquet": Attack("FROM read_parquet('{beside}/secret.parquet')", READING, SECRET),
    "parquet_metadata": Attack("FROM parquet_metadata('{beside}/secret.parquet')", READING, SECRET),
    "a path as a table": Attack("FROM '{beside}/secret.csv'", READING, SECRET),
    "a path in a text": Attack("FROM query('FROM ''{beside}/secret.csv''')", READING, SECRET),
    "a query as JSON": Attack(
        "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/passwd'')'))", READING, "root:"
    ),
    "glob": Attack("FROM glob('/etc/pass*')", READING, "/etc/passwd"),
    "read_duckdb": Attack("FROM read_duckdb('{beside}/other.duckdb', table_name = 'secret')", READING, SECRET),
    "around by ..": Attack("FROM read_text('/dev/../etc/passwd')", READING, "root:"),
    "around by /proc": Attack("FROM read_text('/proc/self/root/etc/passwd')", READING, "root:"),
    "around by a URL": Attack("FROM read_text('file:///etc/passwd')", READING, "root:"),
    "out of the parts": Attack("FROM read_text('{parts}/../../../beside/secret.csv')", READING, SECRET),
    "a link among the parts": Attack("FROM read_parquet('{parts}/link.parquet')", READING, SECRET),
    "named like a part": Attack("FROM read_text('{parts}/other.parquet.csv')", ("locks",), SECRET),
    "named like the parts": Attack("FROM read_text('{parts}.csv')", READING, SECRET),
    "a list of the parts": Attack("FROM glob('{parts}/*')", READING, "0.parquet"),
    "the server's environment": Attack(
        "FROM read_json_objects('/proc/{server}/environ')", READING, "Malformed JSON in file"
    ),
    "a macro": Attack("CREATE TEMP MACRO f() AS TABLE FROM read_text('/etc/passwd'); FROM f()", WRITING, "root:"),
    "ATTACH": Attack("ATTACH '{beside}/other.duckdb' AS o; FROM o.secret", WRITING, SECRET),
    "IMPORT": Attack("IMPORT DATABASE '{beside}/export'", READING, SECRET),
    "LOAD": Attack("LOAD '{beside}/evil.duckdb_extension'", ("query",), "evil.duckdb_extension"),
    "a variable of Python's": Attack("FROM sys", ("locks",), "Python Object"),
    "COPY": Attack("COPY t TO '{beside}/new.csv'", WRITING),
    "COPY a query": Attack("COPY (FROM t) TO '{beside}/new.parquet' (FORMAT parquet)", WRITING),
    # DuckDB allows this one in spite of its locks: the path is that of the attached database.
    "COPY over the snapshot": Attack(f"COPY t TO '{{snapshot}}' {EVIL}", ("query", "landlock")),
    # This one too: the path is that of a part.
    "COPY over a part": Attack(f"COPY t TO '{{parts}}/0.parquet' {EVIL}", ("query", "landlock")),
    "EXPLAIN ANALYZE over a part": Attack(
        f"EXPLAIN ANALYZE COPY t TO '{{parts}}/0.parquet' {EVIL}", ("query", "landlock")
    ),
    "COPY to a new part": Attack("COPY t TO '{parts}/new.parquet'", WRITING),
    "COPY to parts by key": Attack("COPY t TO '{parts}' (FORMAT parquet, PARTITION_BY (a), OVERWRITE)", WRITING),
    "COPY before a PIVOT": Attack(
        f"COPY (PIVOT t ON a % 2 USING count(*)) TO '{{snapshot}}' {EVIL}; PIVOT t ON a % 2 USING count(*)",
        ("query", "landlock"),
    ),
    "EXPLAIN ANALYZE COPY": Attack("EXPLAIN ANALYZE COPY t TO '{beside}/new.csv'", WRITING),
    "EXPLAIN ANALYZE over the snapshot": Attack(
        f"EXPLAIN ANALYZE COPY t TO '{{snapshot}}' {EVIL}", ("query", "landlock")
    ),
    "a comment and EXPLAIN": Attack(
        f"/* /* */ EXPLAIN SELECT 1 /* */ */ EXPLAIN ANALYZE COPY t TO '{{snapshot}}' {EVIL}", ("query", "landlock")
    ),
    "PREPARE": Attack(f"PREPARE p AS COPY t TO '{{snapshot}}' {EVIL}; EXECUTE p", ("query", "landlock")),
    "EXPORT": Attack("EXPORT DATABASE '{beside}/new'", WRITING),
    "ATTACH a new file": Attack("ATTACH '{beside}/new.duckdb'", WRITING),
    "a log": Attack(
        "CALL enable_logging('QueryLog', storage = 'file', storage_path = '{beside}/log'); FROM t", WRITING
    ),
    "a profile": Attack(
        "PRAGMA enable_profiling = 'json'; SET profiling_output = '{beside}/profile.json'; FROM t", WRITING
    ),
    "a secret": Attack(
        "SET secret_directory = '{beside}/new'; CREATE PERSISTENT SECRET (TYPE http, BEARER_TOKEN 'x')", WRITING
    ),
    "SET": Attack("SET threads = 7; SELECT current_setting('threads') + 70", ("query", "locks"), "77"),
    "RESET": Attack("RESET errors_as_json; SELECT 'was ' || 'reset'", ("query", "locks"), "was reset"),
    "PRAGMA": Attack("PRAGMA threads = 7; SELECT current_setting('threads') + 70", ("query", "locks"), "77"),
    "several statements": Attack("SELECT 1; SELECT 'sec' || 'ond'", ("query",), "second"),
    "a checkpoint": Attack("CHECKPOINT virus; SELECT 'check' || 'ed'", ("query",), "checked"),
}


def alone(guard: str) -> tuple[str, ...]:
    return tuple(other for other in GUARDS if other != guard)


def assert_blocked(scene: Scene, names: Iterable[str], without: tuple[str, ...] = ()) -> None:
    """Each of these attacks fails, and the queries after it are answered."""
    before = scene.state()
    attacks = {name: ATTACKS[name] for name in names}
    *answers, last = scene.answers([*(attack.sql for attack in attacks.values()), "SELECT count(*) FROM t"], without)
    shown = dict(zip(attacks, answers, strict=True))
    assert [name for name, attack in attacks.items() if attack.shows and attack.shows in shown[name]] == []
    assert scene.state() == before
    assert last == "1000"


def test_console_blocks_every_attack(scene: Scene) -> None:
    assert_blocked(scene, ATTACKS)


@pytest.mark.parametrize("attack", some_of(ATTACKS.values(), one_in=12), ids=ATTACKS)
def test_console_blocks_the_attack(scene: Scene, attack: Attack) -> None:
    assert not attack.succeeds(scene)


def test_attacks_that_read_succeed_without_guards_in_one_process_too(scene: Scene) -> None:
    attacks = {name: attack for name, attack in ATTACKS.items() if attack.guards == READING}
    answers = scene.answers([attack.sql for attack in attacks.values()], GUARDS)
    shown = dict(zip(attacks, answers, strict=True))
    assert [name for name, attack in attacks.items() if attack.shows not in shown[name]] == []


@pytest.mark.parametrize("attack", some_of(ATTACKS.values(), one_in=4), ids=ATTACKS)
def test_attack_succeeds_without_guards(scene: Scene, attack: Attack) -> None:
    if not duckdb.__version__.startswith("1.") and "{snapshot}" in attack.sql and EVIL in attack.sql:
        pytest.skip("DuckDB 2 itself lets no COPY replace an attached file")
    assert attack.succeeds(scene, without=GUARDS)


ALONE = [(name, guard) for name, attack in ATTACKS.items() for guard in attack.guards]


CHANGES_ITS_PROCESS = "a log", "a profile", "a secret"
"""Attacks after which a process without the guard `query` cannot answer as before, though they fail."""


@pytest.mark.parametrize("guard", ["query", "locks", pytest.param("landlock", marks=needs_landlock)])
def test_each_guard_alone_blocks_every_attack_that_it_is_for(scene: Scene, guard: str) -> None:
    names = [name for name, other in ALONE if other == guard and (guard == "query" or name not in CHANGES_ITS_PROCESS)]
    assert len(names) > 20
    assert_blocked(scene, names, without=alone(guard))


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(
            (name, guard),
            id=f"{name}-{guard}",
            marks=[] if guard != "query" and name in CHANGES_ITS_PROCESS else [pytest.mark.long],
        )
        for name, guard in ALONE
    ],
)
def test_each_guard_alone_blocks_the_attack(scene: Scene, pair: tuple[str, str]) -> None:
    name, guard = pair
    if guard == "landlock" and not landlock_version():
        pytest.skip("this kernel has no Landlock")
    assert not ATTACKS[name].succeeds(scene, without=alone(guard))


@pytest.mark.parametrize("without", [(), ("landlock",), pytest.param(("locks",), marks=needs_landlock)], ids=str)
def test_no_function_reads_a_file(scene: Scene, without: tuple[str, ...]) -> None:
    (tried,), *found = every_function(scene, without)
    assert int(tried) > 100
    assert found == []


def test_many_functions_read_a_file_without_guards(scene: Scene) -> None:
    found = {name for name, *_ in every_function(scene, GUARDS)[1:]}
    assert found >= {"read_text", "read_blob", "read_csv", "query_table"}


def every_function(scene: Scene, without: tuple[str, ...]) -> list[list[str | None]]:
    program = (Path(every_function_program.__file__), SECRET, str(scene.beside / "secret.csv"), *without)
    return asyncio.run(Console(scene.data, QueryLimits(seconds=PATIENCE), sandbox=program).table("")).rows


@pytest.mark.parametrize("without", [(), *[(guard,) for guard in GUARDS]], ids=str)
def test_letters_beside_the_snapshot_can_be_read(scene: Scene, without: tuple[str, ...]) -> None:
    assert scene.answer("SELECT string_agg(sequence, '' ORDER BY position) FROM letters", without) == "ACGT" * 40


def test_letters_are_read_where_the_data_folder_is_now(scene: Scene, tmp_path: Path) -> None:
    moved = Scene(DataFolder(scene.data.root.rename(tmp_path / "it's moved")), scene.beside)
    assert moved.answer("SELECT count(*) FROM letters") == "40"


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_without_parts_only_the_snapshot_can_be_read(scene: Scene, folder: str) -> None:
    shutil.rmtree(scene.data.published_sequences)
    if folder == "empty":
        scene.data.published_sequences.mkdir()
    assert scene.answer("SELECT count(*) FROM t") == "1000"
    assert "disabled by configuration" in scene.answer("FROM letters")


@needs_landlock
def test_a_folder_without_parts_cannot_be_read(scene: Scene) -> None:
    shutil.rmtree(scene.data.published_sequences)
    scene.data.published_sequences.mkdir()
    (scene.data.published_sequences / "other.csv").write_text(SECRET, encoding="utf-8")
    assert SECRET not in scene.answer("FROM read_text('{parts}/other.csv')", without=("locks",))


def test_every_attack_has_a_guard_besides_landlock() -> None:
    assert all(set(attack.guards) - {"landlock"} for attack in ATTACKS.values())


def test_process_inherits_nothing_of_the_server_environment(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCBI_API_KEY", SECRET)
    program = scene.beside / "environment.py"
    program.write_text("import os, sys; sys.stderr.write(str(dict(os.environ))); sys.exit(3)", encoding="utf-8")
    with pytest.raises(QueryFailed):
        asyncio.run(Console(scene.data, sandbox=(program,)).table("FROM t"))
    program.write_text(
        "import json, os; print(json.dumps({'columns': [], 'rows': [list(os.environ.values())], 'more': False}))",
        encoding="utf-8",
    )
    (values,) = asyncio.run(Console(scene.data, sandbox=(program,)).table("FROM t")).rows
    assert SECRET not in values


NO_QUERIES = [
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_directories = ['/']",
    "RESET enable_external_access",
    "PRAGMA enable_external_access = true",
    "SET VARIABLE x = 1",
    "USE memory",
    "DETACH virus",
    "BEGIN",
    "CALL force_checkpoint()",
    "CREATE TABLE memory.main.x AS SELECT 1",
    "CREATE TEMP VIEW x AS SELECT 1",
    "INSERT INTO t VALUES (1, 'x')",
    "UPDATE t SET a = 1",
    "DELETE FROM t",
    "DROP TABLE t",
    "ALTER TABLE t ADD COLUMN c INTEGER",
    "VACUUM",
    "ANALYZE",
    "DEALLOCATE x",
    "EXPLAIN SET threads = 1",
    "EXPLAIN ANALYZE CREATE TABLE memory.main.x AS SELECT 1",
    "CREATE TABLE memory.main.x AS PIVOT t ON a % 2 USING count(*)",
    "CREATE TYPE memory.main.x AS ENUM ('a'); FROM t",
]


def test_statements_that_are_not_one_query_are_refused(scene: Scene) -> None:
    answers = dict(zip(NO_QUERIES, scene.answers(NO_QUERIES), strict=True))
    assert [sql for sql, answer in answers.items() if not answer.startswith("Refused: ")] == []


@pytest.mark.parametrize("sql", all_long(NO_QUERIES))
def test_statement_that_is_not_one_query_is_refused(scene: Scene, sql: str) -> None:
    assert scene.answer(sql).startswith("Refused: ")


ENDLESS = {
    "recursion": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "cross joins": "SELECT count(*) FROM t a, t b, t c, t d, t e WHERE hash(a.a * b.a + c.a * d.a + e.a) = 9",
    "a sort": "FROM t a, t b, t c ORDER BY random() LIMIT 1",
    "a plan that is run": "EXPLAIN ANALYZE SELECT count(*) FROM range(1e12::BIGINT) WHERE hash(range) = 9",
    "sleep": "SELECT sleep_ms(100000)",
}


@pytest.mark.parametrize("sql", some_of(ENDLESS.values(), one_in=5), ids=ENDLESS)
def test_time_limit_ends_a_query_and_its_process(scene: Scene, sql: str) -> None:
    with pytest.raises(QueryFailed, match="stopped after 1 seconds") as stopped:
        asyncio.run(scene.console(seconds=1).table(sql))
    assert stopped.value.kind == STOPPED
    assert sandboxes() == []


def test_same_query_completes_within_a_longer_time_limit(scene: Scene) -> None:
    assert scene.answer("SELECT sleep_ms(1100), 'awake'").endswith("awake")


def test_kernel_limit_ends_a_query_that_the_server_does_not(scene: Scene) -> None:
    """Its processor time is also limited by the kernel, in case the server's timer fails."""
    request = scene.console()._request(ENDLESS["recursion"], "table", 0, 1) | {"cpu_seconds": 1}
    with scene.data.snapshot.open("rb") as snapshot:
        request["descriptor"] = snapshot.fileno()
        done = subprocess.run(
            [sys.executable, "-I", INCLUDE / "virus_warehouse/sandbox/program.py"],
            input=json.dumps(request).encode(),
            capture_output=True,
            pass_fds=[snapshot.fileno()],
            check=False,
        )
    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)


def test_query_whose_server_ended_before_it_began_does_not_run(scene: Scene) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    request = scene.console()._request("SELECT 1", "table", 0, 1) | {"server": ended.pid}
    command = [sys.executable, "-I", INCLUDE / "virus_warehouse/sandbox/program.py"]
    done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_cancelled_query_leaves_no_process(scene: Scene) -> None:
    async def cancel() -> int:
        query = asyncio.create_task(scene.console().table("SELECT sleep_ms(100000)"))
        while not (sandboxes() or query.done()):
            await asyncio.sleep(0.01)
        running = len(sandboxes())
        query.cancel()
        await asyncio.wait([query])
        assert query.cancelled()
        return running

    assert asyncio.run(cancel()) == 1
    assert sandboxes() == []


def test_a_query_does_not_outlive_the_server(scene: Scene) -> None:
    sleep = f"SELECT sleep_ms({10 * PATIENCE * 1000})"
    command = [sys.executable, "-c", SERVER, scene.data.root, sleep]
    with subprocess.Popen(command, env={"PYTHONPATH": str(INCLUDE)}) as server:
        children = psutil.Process(server.pid).children
        until(lambda: any(is_sandbox(child) for child in children()), PATIENCE)
        (query,) = children()
        snapshot = str(scene.data.snapshot)
        # It inherits one of them; from the other one DuckDB reads.
        until(lambda: [file.path for file in query.open_files()].count(snapshot) == 2, PATIENCE)
        server.kill()
    psutil.wait_procs([query], timeout=PATIENCE)
    assert not query.is_running()


SERVER = textwrap.dedent(
    """
    import asyncio, resource, sys
    from pathlib import Path
    from virus_warehouse.sandbox.runner import Console, QueryLimits, QueryFailed
    from virus_warehouse.data_folder import DataFolder

    async def serve():
        limits = QueryLimits(seconds=200, memory="60MB", address_space_bytes=500_000_000)
        try:
            await Console(DataFolder(Path(sys.argv[1])), limits, **SANDBOX).table(sys.argv[2])
        except QueryFailed as error:
            print(error.kind, error)

    SANDBOX = {"sandbox": sys.argv[3:]} if sys.argv[3:] else {}
    asyncio.run(serve())
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
    """
)
HUNGRY = {
    "a list": "SELECT len(list(range)) FROM range(40_000_000)",
    "a long text": "SELECT length(repeat('x', 500_000_000))",
    "a text that DuckDB does not count": "SELECT length(format('{:>500000000}', 'x'))",
    "an aggregate of texts": "SELECT length(string_agg(repeat('x', 100_000), '')) FROM range(5000)",
    "groups": "SELECT count(*) FROM (SELECT range, count(*) FROM range(10_000_000) GROUP BY range)",
    "a sort": "SELECT max(s) FROM (SELECT repeat(range::VARCHAR, 10) AS s FROM range(5_000_000) ORDER BY random())",
}


def peak_mib(scene: Scene, sql: str, *sandbox: str | Path) -> tuple[str, int]:
    """The query's result, and the peak memory of its process."""
    command = [sys.executable, "-c", SERVER, scene.data.root, sql, *sandbox]
    done = subprocess.run(command, env={"PYTHONPATH": str(INCLUDE)}, capture_output=True, text=True, check=True)
    *said, peak = done.stdout.splitlines()
    return "\n".join(said), int(peak)


@pytest.mark.parametrize("sql", some_of(HUNGRY.values(), one_in=3), ids=HUNGRY)
def test_memory_is_bounded(scene: Scene, sql: str) -> None:
    said, peak = peak_mib(scene, sql)
    assert said.startswith("Out of Memory") or STOPPED in said
    assert peak < 350


@pytest.mark.long
@pytest.mark.parametrize("name", ["a list", "a text that DuckDB does not count"])
def test_memory_is_not_bounded_without_guards(scene: Scene, name: str) -> None:
    _, peak = peak_mib(scene, HUNGRY[name], unguarded_sandbox.__file__, *GUARDS)
    assert peak > 400


class TestAnswersThatAreTooLarge:
    def test_rows_beyond_those_shown_are_not_computed(self, scene: Scene) -> None:
        table = asyncio.run(scene.console(rows=10).table("FROM range(1e15::BIGINT)"))
        assert (len(table.rows), table.more) == (10, True)

    def test_a_huge_value_is_cut_off(self, scene: Scene) -> None:
        table = asyncio.run(scene.console().table("SELECT repeat('x', 50_000_000)"))
        assert table.rows == [["x" * 500 + "…"]]

    def test_wide_rows_are_fewer(self, scene: Scene) -> None:
        wide = ", ".join(f"range AS c{number}" for number in range(400))
        table = asyncio.run(scene.console(cells=4000).table(f"SELECT {wide} FROM range(1000)"))
        assert (len(table.rows), table.more) == (10, True)

    def test_too_many_columns_are_refused(self, scene: Scene) -> None:
        wide = ", ".join(f"1 AS c{number}" for number in range(501))
        assert "501" in scene.answer(f"SELECT {wide}")

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_endless_export_is_stopped(self, scene: Scene, form: str) -> None:
        with pytest.raises(QueryFailed, match="larger than 1 MB") as stopped:
            asyncio.run(scene.console(file_bytes=1_000_000).file("SELECT random() FROM range(1e15::BIGINT)", form))
        assert stopped.value.kind == STOPPED
        assert sandboxes() == []
        assert list(scene.data.temporary.iterdir()) == []

    def test_stopped_files_leave_nothing_open(self, scene: Scene) -> None:
        async def open_files() -> list[int]:
            console, counts = scene.console(file_bytes=1_000_000), []
            for _ in range(4):
                with pytest.raises(QueryFailed):
                    await console.file("SELECT random() FROM range(1e15::BIGINT)", "csv")
                await asyncio.sleep(0)
                counts.append(psutil.Process().num_fds())
            for _ in range(600):  # another thread may need a moment to close its files
                if counts[-1] <= counts[0]:
                    break
                await asyncio.sleep(0.1)
                counts.append(psutil.Process().num_fds())
            return counts

        counts = asyncio.run(open_files())
        assert counts[-1] <= counts[0]

    def test_invalid_sandbox_output_is_not_shown(self, scene: Scene) -> None:
        """Something other than the sandbox might write to its output."""
        program = scene.beside / "bad_output.py"
        for output in (
            "[" * 100_000,
            "{}",
            '{"columns": 7}',
            "\\xff",
            '{"columns": [], "rows": [[7]], "more": false}',
        ):
            program.write_text(f"print('{output}')", encoding="utf-8")
            with pytest.raises(QueryFailed):
                asyncio.run(Console(scene.data, sandbox=(program,)).table("FROM t"))


def test_crashed_process_is_reported_and_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    program = scene.beside / "dying.py"
    program.write_text(
        "import os, sys; sys.stderr.write('last words'); sys.stderr.flush(); os.abort()", encoding="utf-8"
    )
    with pytest.raises(QueryFailed, match="its process ended \\(SIGABRT\\)"):
        asyncio.run(Console(scene.data, sandbox=(program,)).table("FROM t"))
    assert "last words" in caplog.text


class TestConfinement:
    """The restrictions by Landlock, tested without DuckDB."""

    def confined(self, path: Path, code: str) -> subprocess.CompletedProcess[str]:
        before = f"""
            import os, socket, sys, threading
            from virus_warehouse.sandbox.confinement import allow_reading_only
            descriptor = os.open({str(path)!r}, os.O_RDONLY)
        """
        program = textwrap.dedent(before) + code
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env={"PYTHONPATH": str(INCLUDE)}, capture_output=True, text=True, check=False)

    @needs_landlock
    def test_one_file_can_be_read_and_not_written(self, scene: Scene) -> None:
        code = "allow_reading_only(descriptor)\nopen(f'/dev/fd/{descriptor}', 'rb').read()\nprint('read')\n"
        done = self.confined(scene.data.snapshot, code + "open(f'/dev/fd/{descriptor}', 'ab')")
        assert done.stdout == "read\n"
        assert "PermissionError" in done.stderr

    @needs_landlock
    def test_files_of_a_folder_can_be_read_and_neither_written_nor_listed(self, scene: Scene) -> None:
        parts, other = scene.data.published_sequences, scene.beside / "secret.csv"
        code = f"""
            from pathlib import Path
            def is_allowed(action, *arguments):
                try:
                    action(*arguments)
                    return True
                except PermissionError:
                    return False
            part, folder, other = Path({str(parts / "0.parquet")!r}), Path({str(parts)!r}), Path({str(other)!r})
            allow_reading_only(descriptor, folder)
            print(is_allowed(part.read_bytes), is_allowed(part.open, "ab"), is_allowed(part.unlink))
            print(is_allowed(os.listdir, folder), is_allowed((folder / "new").touch), is_allowed(other.read_bytes))
            print(is_allowed((folder / "link.parquet").read_bytes), is_allowed((folder / "../virus.duckdb").read_bytes))
        """
        done = self.confined(scene.data.snapshot, textwrap.dedent(code))
        assert done.stdout.split() == ["True", *["False"] * 6, "True"], done.stderr

    @needs_landlock
    @pytest.mark.skipif(landlock_version() < 4, reason="this kernel's Landlock knows no network")
    def test_no_connection_can_be_made(self, scene: Scene) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            connect = f"socket.create_connection({server.getsockname()}).close()\nprint('connected')\n"
            done = self.confined(scene.data.snapshot, f"{connect}allow_reading_only(descriptor)\n{connect}")
        assert done.stdout == "connected\n"
        assert "PermissionError" in done.stderr

    @needs_landlock
    def test_thread_that_stays_unconfined_is_an_error(self, scene: Scene) -> None:
        code = "threading.Thread(target=threading.Event().wait, daemon=True).start()\nallow_reading_only(descriptor)"
        assert "another thread is running" in self.confined(scene.data.snapshot, code).stderr
