"""Manifest and dated snapshots: they describe what is published, also after a publication that was killed."""

import hashlib
import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.snapshots import FOLLOWED
from tests.support.tiers import some_of
from tests.support.warehouses import DENGUE, Store, line, query
from virus_warehouse import __version__
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import manifest, published_files
from virus_warehouse.publish.manifest import FORMAT, ManifestError, parse_manifest
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.publication import publish_candidate
from virus_warehouse.publish.published_files import SettingError, days_kept, settle
from virus_warehouse.warehouse.migrate import newest_revision


class Killed(BaseException):
    """Ends a publication as a kill does: nothing handles it."""


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were hashed."""
    files: list[Path] = []
    make = manifest.make_manifest

    def make_and_note(snapshot: Path, *others: Any) -> manifest.Manifest:
        files.append(snapshot)
        return make(snapshot, *others)

    monkeypatch.setattr(published_files, "make_manifest", make_and_note)
    return files


def publish(store: Store, data: DataFolder, publication_id: str, *, made_at: str | None = None) -> bool:
    candidate = prepare_candidate(store.warehouse, data, publication_id, FOLLOWED)
    if made_at:
        with duckdb.connect(candidate) as connection:
            connection.execute("UPDATE _about SET value = ? WHERE name = 'made_at'", [made_at])
    return publish_candidate(data, publication_id)


def latest(data: DataFolder) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(data.manifest.read_text())
    return content


def assert_described(snapshot: Path, described_by: Path) -> None:
    content = json.loads(described_by.read_text())
    digest = hashlib.sha256(snapshot.read_bytes()).hexdigest()
    assert content["files"] == [{"name": snapshot.name, "bytes": snapshot.stat().st_size, "sha256": digest}]
    [(publication_id,)] = query(snapshot, "SELECT value FROM _about WHERE name = 'publication_id'")
    assert content["publication_id"] == publication_id


def names(data: DataFolder) -> set[str]:
    return {path.name for path in data.published.iterdir()} - {"candidates"}


@pytest.mark.slow
class TestManifest:
    def test_says_what_the_snapshot_is(self, store: Store, data: DataFolder) -> None:
        store.load(line("PX2.1"), line("PX3.1"), source=DENGUE)
        publish(store, data, "publication-1")
        content = latest(data)
        facts = dict(query(data.snapshot, "SELECT name, value FROM _about WHERE topic = 'snapshot'"))
        assert_described(data.snapshot, data.manifest)
        assert content["format"] == FORMAT
        assert {name: content[name] for name in ("made_at", "loaded_until", "last_run_id", "last_run_ended_at")} == {
            name: facts[name] for name in ("made_at", "loaded_until", "last_run_id", "last_run_ended_at")
        }
        assert content["schema_revision"] == newest_revision()
        assert (content["virus_warehouse_version"], content["duckdb_version"]) == (__version__, duckdb.__version__)
        counts = {(count["table"], count["source"]): count["rows"] for count in content["counts"]}
        assert counts["virus_genome", "mpox"] == 1
        assert counts["virus_genome", "dengue"] == 2
        assert counts["taxon", None] == query(data.snapshot, "SELECT count(*) FROM taxon")[0][0]
        assert "_about" not in {table for table, _ in counts}
        assert stat.S_IMODE(data.manifest.stat().st_mode) & 0o007 == 0

    def test_follows_the_snapshot_and_nothing_else_stays(self, published_store: Store, data: DataFolder) -> None:
        published_store.load(line("PX2.1"), mode="incremental")
        publish(published_store, data, "publication-2")
        assert latest(data)["publication_id"] == "publication-2"
        assert_described(data.snapshot, data.manifest)
        assert names(data) == {"virus.duckdb", "latest.json"}
        assert {path.name for path in data.candidates.iterdir()} == {".lock"}

    def test_warehouse_is_not_locked_while_the_snapshot_is_hashed(
        self, store: Store, data: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make = manifest.make_manifest

        def make_beside_a_load(snapshot: Path, *others: Any) -> manifest.Manifest:
            store.load(line("PX2.1"), mode="incremental")
            return make(snapshot, *others)

        monkeypatch.setattr(published_files, "make_manifest", make_beside_a_load)
        assert publish(store, data, "publication-1")
        assert store.rows("SELECT count(*) FROM virus_genome") == [(2,)]

    def test_a_publication_with_nothing_new_hashes_nothing(
        self, store: Store, data: DataFolder, hashed: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", "3")
        prepare_candidate(store.warehouse, data, "publication-1", FOLLOWED)
        publish(store, data, "publication-2")
        assert len(hashed) == 1, "the candidate, once for all its names"
        assert publish_candidate(data, "publication-2"), "a retry"
        assert not publish_candidate(data, "publication-1"), "overtaken"
        assert len(hashed) == 1

    @pytest.mark.parametrize("mended_by", some_of(["retry", "older candidate", "prepare", "next"], one_in=4))
    def test_manifest_of_the_snapshot_before_is_replaced_by_the_next_publication(
        self, store: Store, data: DataFolder, mended_by: str, hashed: list[Path]
    ) -> None:
        prepare_candidate(store.warehouse, data, "publication-0", FOLLOWED)
        publish(store, data, "publication-1")
        store.load(line("PX2.1"), mode="incremental")
        with killed_before_replacing(data.manifest):
            publish(store, data, "publication-2")
        assert latest(data)["publication_id"] == "publication-1"
        before = len(hashed)
        if mended_by == "retry":
            assert publish_candidate(data, "publication-2")
        elif mended_by == "older candidate":
            assert not publish_candidate(data, "publication-0")
        elif mended_by == "prepare":
            prepare_candidate(store.warehouse, data, "publication-3", FOLLOWED)
        else:
            publish(store, data, "publication-3")
        assert len(hashed) - before == (mended_by == "next"), "the hash was taken before the kill"
        assert latest(data)["publication_id"] == ("publication-3" if mended_by == "next" else "publication-2")
        assert_described(data.snapshot, data.manifest)

    @pytest.mark.parametrize("content", some_of([None, b"", b"{}", b'{"format": 99}', b"\xff"], one_in=3))
    def test_lost_manifest_is_written_again(
        self, published_store: Store, data: DataFolder, content: bytes | None, hashed: list[Path]
    ) -> None:
        data.manifest.unlink()
        if content is not None:
            data.manifest.write_bytes(content)
        assert publish_candidate(data, "publication-1")
        assert_described(data.snapshot, data.manifest)
        assert len(hashed) == 1

    def test_damaged_snapshot_without_a_manifest_is_replaced_all_the_same(
        self,
        published_store: Store,
        data: DataFolder,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        data.manifest.unlink()
        prepare_candidate(published_store.warehouse, data, "publication-2", FOLLOWED)
        data.manifest.unlink()
        make = manifest.make_manifest

        def make_of_candidates(snapshot: Path, *others: Any) -> manifest.Manifest:
            if snapshot == data.snapshot:
                raise duckdb.IOException("Corrupt database file: computed checksum does not match")
            return make(snapshot, *others)

        monkeypatch.setattr(published_files, "make_manifest", make_of_candidates)
        assert publish_candidate(data, "publication-2")
        assert latest(data)["publication_id"] == "publication-2"
        assert "computed checksum does not match" in caplog.text

    def test_manifest_without_its_snapshot_is_removed(self, published_store: Store, data: DataFolder) -> None:
        data.snapshot.unlink()
        prepare_candidate(published_store.warehouse, data, "publication-2", FOLLOWED)
        assert names(data) == set()

    def test_leftover_files_of_killed_publications_are_removed_and_others_stay(
        self, published_store: Store, data: DataFolder
    ) -> None:
        for name in (".latest.json.0a1b2c3d", ".virus-2026-11-29.duckdb.0a1b2c3d", ".htaccess", "robots.txt"):
            (data.published / name).write_bytes(b"x")
        settle(data, 0)
        assert names(data) == {"virus.duckdb", "latest.json", ".htaccess", "robots.txt"}

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"not JSON", "is no manifest of a snapshot"),
            (b"[]", "is no manifest"),
            (b'{"format": 2}', "format 2; this version reads format 1: update virus-warehouse"),
            (b'{"format": 1, "files": []}', "files: "),
            (b'{"format": 1, "files": [{"name": "a", "bytes": -1, "sha256": "0"}]}', r"files\.0\.bytes"),
            (b"[" * 100_000, "is no manifest"),
        ],
    )
    def test_what_is_no_manifest_is_refused_with_a_reason(self, text: bytes, reason: str) -> None:
        with pytest.raises(ManifestError, match=reason):
            parse_manifest(text, "there/latest.json")

    @pytest.mark.parametrize(
        "name", ["../x", "/etc/passwd", "a/../b", "", "a//b", ".hidden", "a\\b", "http://x", "a?b", "a/"]
    )
    def test_file_outside_of_the_manifests_folder_is_refused(self, name: str) -> None:
        content = {"format": 1, "files": [{"name": name, "bytes": 1, "sha256": "0" * 64}]}
        with pytest.raises(ManifestError, match="below the manifest's folder"):
            parse_manifest(json.dumps(content).encode(), "latest.json")


@contextmanager
def killed_before_replacing(target: Path) -> Iterator[None]:
    """Kill the publication in this block before it replaces a file."""
    replace = Path.replace

    def kill(self: Path, other: Path) -> Path:
        if other == target:
            raise Killed
        return replace(self, other)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", kill)
        with pytest.raises(Killed):
            yield


@pytest.mark.slow
class TestDatedSnapshots:
    def test_none_without_the_setting(self, first_publication: DataFolder) -> None:
        assert names(first_publication) == {"virus.duckdb", "latest.json"}

    @pytest.mark.parametrize("has_links", some_of([True, False], one_in=2))
    def test_last_publication_of_a_day_is_that_days_and_those_that_exist_stay_as_they_are(
        self, store: Store, data: DataFolder, has_links: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", "7")
        if not has_links:
            monkeypatch.setattr(Path, "hardlink_to", _fail(PermissionError(1, "Operation not permitted")))
        publish(store, data, "publication-1", made_at="2026-11-28T23:59:59Z")
        of_the_first_day = (data.published / "virus-2026-11-28.duckdb").read_bytes()
        store.load(line("PX2.1"), mode="incremental")
        publish(store, data, "publication-2", made_at="2026-11-29T00:00:00Z")
        store.load(line("PX3.1"), mode="incremental")
        publish(store, data, "publication-3", made_at="2026-11-29T12:00:00Z")
        days = ("virus-2026-11-28", "virus-2026-11-29")
        expected = {f"{day}.{suffix}" for day in days for suffix in ("duckdb", "json")}
        assert names(data) == {"virus.duckdb", "latest.json", *expected}
        for day, count in zip(days, (1, 3), strict=True):
            dated = data.published / f"{day}.duckdb"
            assert_described(dated, dated.with_suffix(".json"))
            assert query(dated, "SELECT count(*) FROM virus_genome") == [(count,)]
            assert stat.S_IMODE(dated.stat().st_mode) == 0o440
        assert dated.samefile(data.snapshot) == has_links
        monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", "0")
        store.load(line("PX4.1"), mode="incremental")
        publish(store, data, "publication-4", made_at="2026-11-30T10:00:00Z")
        assert names(data) == {"virus.duckdb", "latest.json", *expected}
        assert (data.published / "virus-2026-11-28.duckdb").read_bytes() == of_the_first_day

    @pytest.mark.parametrize("suffix", some_of(["duckdb", "json"], one_in=2))
    @pytest.mark.parametrize("days", some_of(["7", ""], one_in=2))
    def test_half_a_dated_snapshot_is_completed_by_the_next_publication(
        self, store: Store, data: DataFolder, suffix: str, days: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", "7")
        publish(store, data, "publication-1", made_at="2026-11-29T10:00:00Z")
        store.load(line("PX2.1"), mode="incremental")
        dated = data.published / "virus-2026-11-29.duckdb"
        with killed_before_replacing(dated.with_suffix(f".{suffix}")):
            publish(store, data, "publication-2", made_at="2026-11-29T12:00:00Z")
        monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", days)
        store.load(line("PX3.1"), mode="incremental")
        publish(store, data, "publication-3", made_at="2026-11-30T12:00:00Z")
        assert_described(dated, dated.with_suffix(".json"))
        is_begun = days or suffix == "json"
        assert query(dated, "SELECT count(*) FROM virus_genome") == [(2 if is_begun else 1,)]

    def test_older_days_are_thinned_to_the_last_of_each_month(self, data: DataFolder) -> None:
        days = ["2026-08-01", "2026-08-31", "2026-09-29", "2026-10-01", "2026-10-30", "2026-11-01", "2026-11-02"]
        others = ["virus-2026-13-01.duckdb", "virus-2026-08-01.duckdb.bak", "virus-notes.json"]
        for name in [f"virus-{day}.{suffix}" for day in days for suffix in ("duckdb", "json")] + others:
            (data.published / name).touch()
        published_files._thin_out(data.published, 2)
        kept = {"2026-08-31", "2026-09-29", "2026-10-30", "2026-11-01", "2026-11-02"}
        assert names(data) == {*others, *(f"virus-{day}.{suffix}" for day in kept for suffix in ("duckdb", "json"))}

    def test_manifest_is_removed_before_its_snapshot(self, data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
        removed: list[str] = []
        unlink = Path.unlink
        for day in ("2026-11-01", "2026-11-02"):
            (data.published / f"virus-{day}.duckdb").touch()
            (data.published / f"virus-{day}.json").touch()
        monkeypatch.setattr(Path, "unlink", lambda path, **_: (removed.append(path.suffix), unlink(path)))
        published_files._thin_out(data.published, 1)
        assert removed == [".json", ".duckdb"]


class TestSetting:
    @pytest.mark.parametrize(("text", "days"), [(None, 0), ("", 0), ("0", 0), (" 30 ", 30)])
    def test_is_a_number_of_days(self, text: str | None, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
        if text is not None:
            monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", text)
        assert days_kept() == days

    @pytest.mark.parametrize("text", ["-1", "1.5", "all", "7d", "٣"])
    def test_anything_else_is_refused_before_anything_is_done(
        self, data: DataFolder, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIRUS_KEEP_SNAPSHOTS", text)
        (data.candidates / "publication-1.duckdb").touch()
        with pytest.raises(SettingError, match=r"VIRUS_KEEP_SNAPSHOTS is '.+'; it must be the number of days"):
            publish_candidate(data, "publication-1")


def _fail(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail
