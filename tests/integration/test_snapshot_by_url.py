"""A published folder on a web server: DuckDB attaches the snapshot there, in Python and at its prompt, as documented.

DuckDB's extension for HTTP is loaded from its package, as `INSTALL httpfs` asks DuckDB's own server.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb_extension_httpfs
import pytest

from tests.support import lakes
from tests.support.snapshots import FOLLOWED
from tests.support.warehouses import DENGUE, Store, line
from tests.support.web_server import WebServer
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.publication import publish_candidate

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
PAGE = (CHECKOUT / "docs/publication.md").read_text(encoding="utf-8")
URL = "https://example.org/virus"
"""The published folder in the documentation."""

WITHOUT_EXTENSIONS = lakes.without_extensions()

pytestmark = pytest.mark.skipif(WITHOUT_EXTENSIONS is not None, reason=str(WITHOUT_EXTENSIONS))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    data = DataFolder(tmp_path_factory.mktemp("data"))
    data.create()
    store = Store(data.root)
    store.load(*(line(f"PX{number}.1", length=10_000 + number) for number in range(2000)))
    store.load(line("PY1.1"), line("PY2.1"), source=DENGUE)
    prepare_candidate(store.warehouse, data, "publication-1", FOLLOWED)
    publish_candidate(data, "publication-1")
    return data


@pytest.fixture
def site(published: DataFolder) -> Iterator[WebServer]:
    with WebServer(published.published) as server:
        yield server


def documented(language: str, url: str) -> str:
    """The page's code of this language, for a local server."""
    return for_a_test(*re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE), url)


def for_a_test(code: str, url: str) -> str:
    """Code of the page, with a local server, and the extension from its package."""
    (extension,) = Path(str(duckdb_extension_httpfs.__file__)).parent.rglob("httpfs.duckdb_extension")
    assert "INSTALL httpfs" in code
    assert URL in code
    code = code.replace("INSTALL httpfs", "SELECT 1").replace("LOAD httpfs", f"LOAD '{extension}'")
    return code.replace(URL, url)


def run(program: str, *arguments: str) -> str:
    done = subprocess.run([PROGRAMS / program, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_attaches_it(site: WebServer) -> None:
    assert "2002" in run("python", "-c", documented("py", site.url))


def test_prompt_attaches_it(site: WebServer) -> None:
    (code,) = re.findall(r'^\$ duckdb -c "(.*)"$', PAGE, flags=re.MULTILINE)
    assert "2002" in run("duckdb", "-csv", "-c", for_a_test(code, site.url))


def test_only_what_a_query_needs_is_read(site: WebServer, published: DataFolder) -> None:
    run("python", "-c", documented("py", site.url))
    ranges = [wanted for method, path, wanted in site.requests if method == "GET" and path == "/virus.duckdb"]
    assert len(ranges) > 1
    assert None not in ranges, "the whole file was asked for"


def test_server_without_ranges_sends_the_whole_file(published: DataFolder) -> None:
    """As `python -m http.server`: it works, but each reader downloads all of it."""
    with WebServer(published.published, has_ranges=False) as site:
        assert "2002" in run("python", "-c", documented("py", site.url))


def test_manifest_is_a_table_for_duckdb(site: WebServer) -> None:
    program = documented("py", site.url).split('ncbi.execute("ATTACH')[0] + (
        f"print(ncbi.sql(\"SELECT unnest(counts, recursive := true) FROM '{site.url}/latest.json'\").fetchall())"
    )
    assert "('virus_genome', 'mpox', 2000)" in run("python", "-c", program)
