"""Every dependency is explained, pinned and hashed, and is installed from the user's own package index."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPLAINED = (ROOT / "docs/dependencies.md").read_text()

NAMES = [
    "requirements",
    "requirements-dev",
    "requirements-bench",
    "requirements-build",
    "requirements-augur",
    "requirements-bucket",
    "requirements-duckdb2",
]
SOURCES, LOCKS = [f"{name}.in" for name in NAMES], [f"{name}.txt" for name in NAMES]

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements_of(file: str) -> list[str]:
    return [canonical(name) for name in re.findall(rf"^({NAME})", (ROOT / file).read_text(), re.MULTILINE)]


def explained_under(heading: str) -> list[str]:
    section = EXPLAINED.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [canonical(name) for name in re.findall(rf"^\| `({NAME})` \|", section, re.MULTILINE)]


def pins(file: str) -> dict[str, str]:
    """Each pin of a lock file, with its marker, hashes and comments."""
    text = (ROOT / file).read_text()
    blocks = re.split(r"^(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)
    return {block.splitlines()[0].rstrip(" \\"): block for block in blocks if block}


@pytest.mark.parametrize(
    ("file", "heading"),
    [
        ("requirements.in", "At run time"),
        ("requirements-dev.in", "Tests and linters"),
        ("requirements-bench.in", "Benchmark"),
        ("requirements-augur.in", "Tests of exports"),
        ("requirements-bucket.in", "Tests of lakes in a bucket"),
        ("requirements-duckdb2.in", "Tests with DuckDB 2"),
    ],
)
def test_each_dependency_is_explained_once_and_nothing_else_is(file: str, heading: str) -> None:
    assert requirements_of(file)
    assert sorted(explained_under(heading)) == sorted(requirements_of(file))


def test_each_explanation_says_what_and_why() -> None:
    rows = [row.strip("| ").split(" | ") for row in EXPLAINED.splitlines() if row.startswith("| `")]
    assert all(len(row) == 3 and all(cell.strip() for cell in row) for row in rows)


@pytest.mark.parametrize("file", LOCKS)
def test_each_pin_is_exact_and_has_a_hash(file: str) -> None:
    loose = [pin for pin in pins(file) if not re.match(rf"{NAME}(\[[^]]+\])?==[\w.!+]+( ;|$)", pin)]
    bare = [pin for pin, block in pins(file).items() if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", block)]
    assert (loose, bare) == ([], [])


@pytest.mark.parametrize(
    ("source", "lock"),
    list(zip(SOURCES, LOCKS, strict=True)),
)
def test_lock_file_covers_its_inputs(source: str, lock: str) -> None:
    locked = {canonical(re.split(r"[=\[]", pin)[0]) for pin in pins(lock)}
    assert set(requirements_of(source)) <= locked


def test_benchmark_peers_have_the_same_duckdb_version() -> None:
    pinned = [{pin for pin in pins(lock) if pin.startswith("duckdb==")} for lock in LOCKS[:3]]
    assert pinned[0]
    assert all(pin == pinned[0] for pin in pinned)


@pytest.mark.parametrize("file", [*SOURCES, *LOCKS])
def test_no_package_index_is_named(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.findall(r".*(?:://|--(?:extra-)?index|--find-links|--trusted-host).*", text)


def test_installers_are_also_installed_by_hash() -> None:
    assert [pin for pin in pins("requirements-build.txt") if pin.startswith("uv==")] == [
        pin for pin in pins("requirements-dev.txt") if pin.startswith("uv==")
    ]
    programs = [*(ROOT / "scripts").iterdir(), ROOT / "Makefile", ROOT / "Dockerfile"]
    installs = [
        line
        for program in programs
        if program.is_file()
        for line in program.read_text().replace("\\\n", "").splitlines()
        if "pip install" in line
    ]
    assert len(installs) >= 4
    # This project itself is installed from the checkout, without dependencies.
    by_hash_or_own = re.compile("--require-hashes|--no-deps --no-build-isolation --editable .$")
    assert [line for line in installs if not by_hash_or_own.search(line)] == []


def test_package_requirements_are_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {canonical(re.match(NAME, wanted)[0]) for wanted in project["dependencies"]}
    # Airflow installs these, or imports them itself, or only some installations and `make start` need them.
    providers = {f"apache-airflow-providers-{name}" for name in ("apprise", "celery", "postgres", "slack", "smtp")}
    of_lakes = {canonical(re.match(NAME, wanted)[0]) for wanted in project["optional-dependencies"]["lake"]} - asked
    others = {"apache-airflow", "apache-airflow-task-sdk", "statsd", "uvicorn", *providers, *of_lakes}
    assert asked == set(requirements_of("requirements.in")) - others
