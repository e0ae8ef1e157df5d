"""Proving a snapshot against its manifest: in a folder, and on a web server."""

import hashlib
import json
import os
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.warehouses import MPOX, Store, line
from tests.support.web_server import WebServer
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.publish import places
from virus_warehouse.publish.manifest import ManifestError
from virus_warehouse.publish.places import PlaceError
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.publication import publish_candidate
from virus_warehouse.publish.verify import Verified, place_of, verify
from virus_warehouse.sources import SourcesFile

FOLLOWED = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})

pytestmark = pytest.mark.slow

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two publications' folders."""
    root = tmp_path_factory.mktemp("both")
    data = DataFolder(root / "data")
    data.create()
    store = Store(data.root)
    folders = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRUS_KEEP_SNAPSHOTS", "1")
        for number in (1, 2):
            store.load(line(f"PX{number}.1"), mode="incremental" if number == 2 else "full")
            prepare_candidate(store.warehouse, data, f"publication-{number}", FOLLOWED)
            publish_candidate(data, f"publication-{number}")
            folders.append(shutil.copytree(data.published, root / str(number)))
    return folders[0], folders[1]


@pytest.fixture
def folder(both: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the second publication."""
    copy = shutil.copytree(both[1], tmp_path / "published")
    for snapshot in copy.glob("*.duckdb"):
        snapshot.chmod(0o640)
    return copy


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    session = places._session
    monkeypatch.setattr(places, "_session", lambda: _without_pauses(session()))
    with WebServer(folder) as site:
        yield site


def _without_pauses(session: Any) -> Any:
    for adapter in session.adapters.values():
        adapter.max_retries.backoff_factor = 0
    return session


def of(text: object, manifest: object = None) -> Verified:
    return verify(place_of(str(text)), place_of(str(manifest)) if manifest else None)


def found(text: object) -> dict[str, tuple[str, str]]:
    """What differs, with what is expected and found."""
    return {each.what: (each.expected, each.found) for each in of(text).differences}


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "latest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


class TestWhole:
    @pytest.mark.parametrize("name", ["", "latest.json", "virus.duckdb"])
    def test_file_manifest_or_folder_here_or_on_a_server(self, folder: Path, server: WebServer, name: str) -> None:
        for place in (folder / name, f"{server.url}/{name}"):
            verified = of(place)
            assert verified.differences == []
            assert verified.manifest.publication_id == "publication-2"
            assert [file.name for file in verified.files] == ["virus.duckdb"]

    def test_dated_snapshot(self, folder: Path, server: WebServer) -> None:
        [dated] = folder.glob("virus-*.duckdb")
        for place in (dated, dated.with_suffix(".json"), f"{server.url}/{dated.name}"):
            assert of(place).differences == []

    def test_renamed_copy_against_the_publishers_manifest(
        self, folder: Path, server: WebServer, tmp_path: Path
    ) -> None:
        mine = tmp_path / "mine.duckdb"
        shutil.copy(folder / "virus.duckdb", mine)
        assert of(mine, f"{server.url}/latest.json").differences == []
        with pytest.raises(ManifestError, match=r"mine\.json does not exist: .*--manifest"):
            of(mine)

    def test_folder_against_the_publishers_manifest(self, both: tuple[Path, Path], folder: Path) -> None:
        assert of(folder, both[1] / "latest.json").differences == []
        (folder / "latest.json").unlink()
        assert of(folder, both[1] / "latest.json").differences == []
        (folder / "virus.duckdb").unlink()
        assert [each.what for each in of(folder, both[1] / "latest.json").differences] == ["the file"]

    def test_signed_url_stays_signed_and_shows_no_secret(self, server: WebServer) -> None:
        url = server.url.replace("http://", "http://user:secret@")
        verified = of(f"{url}/virus.duckdb?signature=abc")
        assert {path for _, path, _ in server.requests} == {
            "/latest.json?signature=abc",
            "/virus.duckdb?signature=abc",
        }
        assert verified.place == f"{server.url}/latest.json"

    def test_memory_stays_small_and_no_copy_is_left(
        self, folder: Path, server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A further file in the manifest, of 60 MB. It is no database, as sequences will be none."""
        large = folder / "large.bin"
        large.write_bytes(os.urandom(1 << 20) * 60)
        entry = {"name": "large.bin", "bytes": 60 << 20, "sha256": "0" * 64}
        files = json.loads((folder / "latest.json").read_text())["files"]
        edit_manifest(folder, files=[*files, entry])
        monkeypatch.setattr(places.tempfile, "tempdir", str(tmp_path))
        for place in (folder, server.url):
            seen: list[tuple[str, int, int]] = []
            tracemalloc.start()
            verified = verify(place_of(str(place)), None, lambda *each, seen=seen: seen.append(each))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert [each.what for each in verified.differences] == ["SHA-256"]
            assert seen[-1] == ("large.bin", 60 << 20, 60 << 20)
            assert len(seen) >= 60
            assert peak < 10 << 20
        assert list(tmp_path.glob("virus-warehouse-verify-*")) == []


def flip_a_byte(folder: Path) -> None:
    with (folder / "virus.duckdb").open("r+b") as file:
        file.seek(-100_000, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 255]))


def cut_off(folder: Path) -> None:
    os.truncate(folder / "virus.duckdb", (folder / "virus.duckdb").stat().st_size // 2)


def fill_with_zeros(folder: Path) -> None:
    (folder / "virus.duckdb").write_bytes(bytes((folder / "virus.duckdb").stat().st_size))


def remove(folder: Path) -> None:
    (folder / "virus.duckdb").unlink()


def count_of(table: str, source: str | None) -> dict[str, object]:
    return {"counts": [{"table": table, "source": source, "rows": 5}]}


class TestDifferent:
    @pytest.mark.parametrize(
        ("change", "what"),
        [
            (flip_a_byte, {"SHA-256"}),
            (cut_off, {"bytes", "opens with DuckDB"}),
            (fill_with_zeros, {"SHA-256", "kind of file"}),
            (remove, {"the file"}),
        ],
    )
    def test_damaged_file(self, folder: Path, server: WebServer, change: Change, what: set[str]) -> None:
        change(folder)
        for place in (folder, server.url):
            # A flipped byte may be one that DuckDB checks when it opens the file.
            assert what <= found(place).keys() <= what | {"opens with DuckDB"}

    @pytest.mark.parametrize(("file", "beside", "which"), [(1, 0, "newer"), (0, 1, "older")])
    def test_file_and_manifest_of_two_publications(
        self, both: tuple[Path, Path], folder: Path, server: WebServer, file: int, beside: int, which: str
    ) -> None:
        """As a publication leaves them that was killed between its two renames, or a copy that was cut short."""
        for number, name in ((file, "virus.duckdb"), (beside, "latest.json")):
            (folder / name).unlink()
            shutil.copy(both[number] / name, folder / name)
        _change_made_at(folder, which)
        for place in (folder, server.url):
            differences = {each.what: each for each in of(place).differences}
            publication = differences["publication"]
            assert publication.expected.startswith(f"publication-{beside + 1}, made at ")
            assert publication.found.startswith(f"publication-{file + 1}, made at ")
            assert publication.way_out.startswith(f"The file is {which} than its manifest")
        assert "`virus-warehouse publish`" in {each.what: each for each in of(folder).differences}["SHA-256"].way_out

    @pytest.mark.parametrize(
        ("changes", "what", "expected", "actual"),
        [
            ({"publication_id": "publication-9"}, "publication", "publication-9", "publication-2"),
            ({"schema_revision": "0001"}, "schema revision", "0001", "00"),
            (count_of("virus_genome", "mpox"), "rows of mpox in virus_genome", "5", "2"),
            (count_of("gone", None), "rows in gone", "5", "0"),
        ],
    )
    def test_manifest_that_says_something_else(
        self, folder: Path, changes: dict[str, object], what: str, expected: str, actual: str
    ) -> None:
        edit_manifest(folder, **changes)
        differences = found(folder)
        assert differences.keys() == {what}
        assert differences[what][0].startswith(expected)
        assert differences[what][1].startswith(actual)

    def test_schema_revision_of_a_later_version(self, folder: Path) -> None:
        with duckdb.connect(folder / "virus.duckdb") as connection:
            connection.execute("UPDATE ops.alembic_version SET version_num = '9999'")
        _describe_again(folder)
        edit_manifest(folder, schema_revision="9999")
        [difference] = of(folder).differences
        assert (difference.what, difference.found) == ("known schema revision", "9999")
        assert difference.way_out.startswith("Update virus-warehouse")

    def test_write_ahead_log_beside_it(self, folder: Path) -> None:
        log_of(folder / "virus.duckdb").write_bytes(b"x")
        assert found(folder) == {"write-ahead log": ("none", "one beside the file")}

    def test_view_of_a_strange_snapshot_reads_no_other_file(self, folder: Path) -> None:
        with duckdb.connect(folder / "virus.duckdb") as connection:
            connection.execute("DROP TABLE ops.alembic_version")
            private = f"SELECT content AS version_num FROM read_text('{folder}/latest.json')"
            connection.execute(f"CREATE VIEW ops.alembic_version AS {private}")
        _describe_again(folder)
        [difference] = of(folder).differences
        assert difference.what == "opens with DuckDB"
        assert "disabled by configuration" in difference.found

    def test_publication_meanwhile_is_no_difference(
        self, both: tuple[Path, Path], folder: Path, server: WebServer
    ) -> None:
        for name in ("virus.duckdb", "latest.json"):
            (folder / name).unlink()
            shutil.copy(both[0] / name, folder / name)

        def publish(path: str) -> None:
            if path == "/virus.duckdb":
                for name in ("virus.duckdb", "latest.json"):
                    shutil.copy(both[1] / name, folder / f".{name}")
                    (folder / f".{name}").replace(folder / name)

        server.before_answer = publish
        verified = of(server.url)
        assert (verified.differences, verified.manifest.publication_id) == ([], "publication-2")
        assert len(server.requests) == 4


class TestUnreadable:
    def test_no_manifest(self, folder: Path, server: WebServer) -> None:
        (folder / "latest.json").unlink()
        for place in (folder, server.url):
            with pytest.raises(
                ManifestError, match=r"latest\.json does not exist.*`virus-warehouse publish` writes one"
            ):
                of(place)

    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(PlaceError, match=r"mistyped does not exist$"):
            of(tmp_path / "mistyped")

    def test_file_that_the_manifest_does_not_list(self, folder: Path) -> None:
        (folder / "other.parquet").touch()
        with pytest.raises(ManifestError, match=r"does not list other\.parquet; it has virus\.duckdb"):
            of(folder / "other.parquet", folder / "latest.json")

    def test_manifest_without_an_end(self, folder: Path, server: WebServer) -> None:
        server.endless = True
        with pytest.raises(ManifestError, match="more than 16 MiB"):
            of(server.url)

    def test_snapshot_without_an_end(self, folder: Path, server: WebServer) -> None:
        server.endless = True
        verified = of(f"{server.url}/virus.duckdb", folder / "latest.json")
        assert next(each.what for each in verified.differences) == "bytes"

    def test_copy_that_the_disk_has_no_room_for(self, folder: Path, server: WebServer) -> None:
        edit_manifest(folder, files=[{"name": "virus.duckdb", "bytes": 10**18, "sha256": "0" * 64}])
        with pytest.raises(PlaceError, match=r"is too full for a copy.*set TMPDIR"):
            of(server.url)

    @pytest.mark.parametrize("status", [403, 500])
    def test_server_that_refuses(self, server: WebServer, status: int) -> None:
        server.status = status
        with pytest.raises(PlaceError, match=f"the server answers {status}"):
            of(server.url)

    def test_answer_that_is_cut_off(self, folder: Path, server: WebServer) -> None:
        server.cut_after = 100_000
        with pytest.raises(PlaceError, match=r"virus\.duckdb cannot be read: .*try again"):
            of(server.url)

    def test_nobody_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        session = places._session
        monkeypatch.setattr(places, "_session", lambda: _without_pauses(session()))
        with pytest.raises(PlaceError, match="Check the URL and the network") as failed:
            of("http://user:secret@127.0.0.1:9/?signature=abc")
        assert "secret" not in str(failed.value)
        assert "abc" not in str(failed.value)

    @pytest.mark.parametrize("text", ["ftp://host/virus.duckdb", "s3://bucket/virus.duckdb", "https://", "file:///x"])
    def test_other_urls(self, text: str) -> None:
        with pytest.raises(ValueError, match="name one of http or https"):
            place_of(text)


def _describe_again(folder: Path) -> None:
    """Give the changed snapshot the size and hash that the manifest says."""
    content = (folder / "virus.duckdb").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    edit_manifest(folder, files=[{"name": "virus.duckdb", "bytes": len(content), "sha256": digest}])


def _change_made_at(folder: Path, which: str) -> None:
    """Both publications may have been made in the same second: let the manifest's be another."""
    edit_manifest(folder, made_at="2001-01-01T00:00:00Z" if which == "newer" else "2999-01-01T00:00:00Z")
