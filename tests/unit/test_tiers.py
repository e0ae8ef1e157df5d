"""The test tiers, tested by running pytest on small suites with the layout of this one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow  # each test starts its own pytest

MAKEFILE = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
FAST = next(re.finditer(r'-m "(not \(.*?\))"', MAKEFILE)).group(1)

FAILS_ONCE = """
from pathlib import Path

def test_fails_once(request):
    tried = Path(__file__).with_suffix(".tried")
    if not tried.exists():
        tried.touch()
        raise AssertionError("text of the first failure")
"""


def run(folder: Path, files: dict[str, str], *arguments: str) -> list[str]:
    """Run a suite of these files, by their paths under `tests/`, and return the lines that pytest prints."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  slow\n  airflow\n  services\n  browser\n  long\n")
    for path, code in files.items():
        file = folder / "tests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.support.tiers",
        "-p",
        "no:cacheprovider",
        "-ra",
        "--import-mode=importlib",
    ]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "VIRUS_TEST_SEED": "7"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run([*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("workers", [[], ["-n", "2", "--dist", "loadfile"]], ids=["alone", "with xdist"])
def test_flaky_tests_are_listed_last_with_their_first_failure(tmp_path: Path, workers: list[str]) -> None:
    printed = run(tmp_path, {"services/test_a.py": FAILS_ONCE, "services/test_b.py": "def test_b(): pass"}, *workers)
    assert re.search(r"2 passed, 1 rerun in ", printed[-1])
    headings = [number for number, text in enumerate(printed) if re.match("=+ .* =+$", text)]
    flaky = printed[headings[-2] : headings[-1]]
    assert "flaky: passed at the second try" in flaky[0]
    assert [text for text in flaky if text.startswith("FLAKY ")] == ["FLAKY tests/services/test_a.py::test_fails_once"]
    assert any("AssertionError: text of the first failure" in text for text in flaky)


def test_other_tests_are_not_retried(tmp_path: Path) -> None:
    folders = ["unit", "integration", "property", "end_to_end"]
    printed = run(tmp_path, {f"{folder}/test_a.py": FAILS_ONCE for folder in folders})
    assert "4 failed in" in printed[-1]


def test_second_failure_is_a_failure_and_not_flaky(tmp_path: Path) -> None:
    printed = run(tmp_path, {"services/test_a.py": "def test_a(): assert False"})
    assert "1 failed, 1 rerun in" in printed[-1]
    assert not any("flaky" in text for text in printed)


def test_fast_tests_need_no_airflow_and_no_browser(tmp_path: Path) -> None:
    marked = "import pytest\n@pytest.mark.{0}\ndef test_{0}(): pass\n"
    files = {f"{folder}/test_a.py": "def test_a(): pass" for folder in ("services", "end_to_end", "integration")}
    files["unit/test_a.py"] = "def test_a(): pass\n" + "".join(
        marked.format(marker) for marker in ("slow", "airflow", "browser", "long")
    )
    printed = run(tmp_path, files, "-m", FAST, "-v")
    assert [text.split()[0] for text in printed if " PASSED " in text] == ["tests/unit/test_a.py::test_a"]


def test_long_tests_print_their_seed(tmp_path: Path) -> None:
    files = {"property/test_a.py": "import pytest\n@pytest.mark.long\ndef test_a(): pass"}
    assert any(text.startswith("seed: 7 ") for text in run(tmp_path, files, "-m", "long"))


def test_longest_tests_run_first(tmp_path: Path) -> None:
    folders = ["unit", "property", "services", "integration", "end_to_end"]
    printed = run(tmp_path, {f"{folder}/test_a.py": "def test_a(): pass" for folder in folders}, "-v")
    order = [text.split("/")[1] for text in printed if " PASSED " in text]
    assert order == ["services", "end_to_end", "property", "integration", "unit"]


def test_folders_whose_tests_share_an_airflow_are_run_by_one_worker_each(tmp_path: Path) -> None:
    files = [f"{folder}/test_{name}.py" for folder in ("services", "end_to_end") for name in "ab"]
    workers = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "-v"]
    printed = "\n".join(run(tmp_path, dict.fromkeys(files, "def test_a(): pass"), *workers))
    ran = re.findall(r"\[(gw\d)\].* PASSED tests/(\w+)/", printed)
    assert sorted({folder for _, folder in ran}) == ["end_to_end", "services"]
    assert len(ran) == 4
    assert len(set(ran)) == 2
