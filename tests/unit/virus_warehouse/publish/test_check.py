"""The check of a candidate: what blocks it, what is accepted, and where both are recorded."""

import logging
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.support.warehouses import DENGUE, MPOX, Store, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import publication
from virus_warehouse.publish.about import About
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.gates import GATES, GateFailed, gates_sql
from virus_warehouse.publish.last_check import last_check
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.shortage import MemoryTooSmall
from virus_warehouse.sources import SourcesFile, UnknownSource

pytestmark = pytest.mark.slow  # each test checks a candidate

FOLLOWED = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})
FINDINGS = "SELECT source, name, value FROM _about WHERE topic = 'finding' ORDER BY ALL"


@pytest.fixture
def store(data: DataFolder, published: Store) -> Store:
    """A warehouse whose forty records are published."""
    shutil.copy2(DataFolder(published.folder).snapshot, data.snapshot)
    return published.copy_to(data.root)


def publish(store: Store, data: DataFolder, *accepted: str, source: str | None = None) -> About:
    return publication.publish(store.warehouse, data, FOLLOWED, accepted, source=source)


def lose_records(store: Store) -> None:
    """Delete records from the warehouse, then load another."""
    store.execute("DELETE FROM virus_genome WHERE accession <= 'PX000012'")
    store.load(line("PY1.1"), mode="incremental")


def corrupt_taxonomy(store: Store) -> None:
    """Cause a fault in the warehouse that belongs to no source."""
    store.load(line("PY1.1"), mode="incremental")
    store.execute("INSERT INTO taxon VALUES (10244, 'once more')")


def test_findings_of_an_unknown_source_are_not_accepted(data: DataFolder, store: Store) -> None:
    with pytest.raises(UnknownSource, match="no source is named 'mpoxx'; known are mpox"):
        publish(store, data, "shrinkage", source="mpoxx")


def test_valid_warehouse_is_published_without_findings(data: DataFolder, store: Store) -> None:
    assert query(data.snapshot, FINDINGS) == []


def test_fault_without_a_source_keeps_the_old_snapshot_and_is_recorded(
    data: DataFolder, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    before = data.snapshot.read_bytes()
    lose_records(store)
    corrupt_taxonomy(store)
    candidate = prepare_candidate(store.warehouse, data, "next", FOLLOWED)
    with caplog.at_level(logging.INFO), pytest.raises(GateFailed, match="a taxon is more than once"):
        check_candidate(candidate, FOLLOWED, data.snapshot)
    assert data.snapshot.read_bytes() == before
    [(source, gate, _), (no_source, blocking_gate, value)] = query(candidate, FINDINGS)
    assert (source, gate) == ("mpox", "shrinkage")
    assert (no_source, blocking_gate) == (None, "unique_keys")
    assert value.startswith("blocked: unique_keys: a taxon is more than once in taxon")
    check = last_check(data)
    assert check is not None
    assert [blocked.gate for blocked in check.blocked] == ["unique_keys"]
    # The log has a line for each gate.
    lines = [text for text in caplog.messages if text.startswith("gate ")]
    found = [re.fullmatch(r"gate (\w+): ([a-z ]+), (\d+ rows?), \d+\.\d\d s", text) for text in lines]
    expected = {"unique_keys": ("blocked", "1 row"), "shrinkage": ("held back", "12 rows")}
    assert [gate and gate.groups() for gate in found] == [
        (gate.name, *expected.get(gate.name, ("passed", "0 rows"))) for gate in GATES
    ]


def test_fault_without_a_source_is_published_if_accepted(data: DataFolder, store: Store) -> None:
    corrupt_taxonomy(store)
    about = publish(store, data, "unique_keys")
    assert query(data.snapshot, "SELECT count(*) FROM virus_genome") == [(41,)]
    [finding] = about.findings
    assert finding.startswith("accepted: unique_keys")
    check = last_check(data)
    assert check is not None
    assert check.blocked == ()


def test_accepted_fault_of_a_source_is_published_recorded_and_not_flagged_again(
    data: DataFolder, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    lose_records(store)
    with caplog.at_level(logging.WARNING):
        publish(store, data, "shrinkage", source="mpox")
    assert "accepted: shrinkage of mpox" in caplog.text
    assert query(data.snapshot, "SELECT count(*) FROM virus_genome") == [(29,)]
    [(source, gate, value)] = query(data.snapshot, FINDINGS)
    assert (source, gate) == ("mpox", "shrinkage")
    assert value.startswith("accepted: ")
    store.load(line("PY2.1"), mode="incremental")
    publish(store, data)
    assert query(data.snapshot, FINDINGS) == []


def test_acceptance_applies_to_one_source_only(data: DataFolder, store: Store) -> None:
    lose_records(store)
    followed = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX, DENGUE.name: DENGUE})
    about = publication.publish(store.warehouse, data, followed, ["shrinkage"], source="dengue")
    assert set(about.held_back) == {"mpox"}


def test_warnings_are_in_the_log_and_in_the_snapshot(
    data: DataFolder, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.load(line("PX1.1", updated="1970-01-01"), mode="incremental")
    with caplog.at_level(logging.WARNING):
        publish(store, data)
    fault = "update_date is before GenBank's first release in 1982"
    warning = f"warned: odd_dates of mpox: {fault} (1 row, such as PX1 1970-01-01)"
    assert warning in caplog.text
    assert query(data.snapshot, FINDINGS) == [("mpox", "odd_dates", warning)]


def test_retry_of_a_check_records_each_finding_once(data: DataFolder, store: Store) -> None:
    lose_records(store)
    candidate = prepare_candidate(store.warehouse, data, "next", FOLLOWED)
    for _ in range(2):
        check_candidate(candidate, FOLLOWED, data.snapshot)
    assert len(query(candidate, FINDINGS)) == 1


class TestBounds:
    def test_gates_take_no_more_memory_and_threads_than_a_load(
        self, data: DataFolder, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIRUS_MEMORY_LIMIT", "64MB")
        monkeypatch.setenv("VIRUS_THREADS", "1")
        with duckdb.connect(data.snapshot, read_only=True) as connection:
            connection.execute(gates_sql())
            ((memory, threads),) = connection.execute(
                "SELECT current_setting('memory_limit'), current_setting('threads')"
            ).fetchall()
        assert (memory, threads) == ("61.0 MiB", 1)

    def test_out_of_memory_error_names_the_setting(
        self, data: DataFolder, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        candidate = prepare_candidate(store.warehouse, data, "run-1", FOLLOWED)
        monkeypatch.setenv("VIRUS_MEMORY_LIMIT", "1MB")
        with pytest.raises(MemoryTooSmall, match="Set VIRUS_MEMORY_LIMIT higher"):
            check_candidate(candidate, FOLLOWED, data.snapshot)
