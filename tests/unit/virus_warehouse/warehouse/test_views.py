"""Views of history and current records: as of a moment, changes, each record once."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.warehouses import DENGUE, FIRST_COMMIT, Store, line
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sources import Source


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def held(store: Store) -> list[tuple]:
    return store.rows("SELECT source, accession_version, length, isolate_name FROM virus_genome ORDER BY ALL")


def as_of(store: Store, hours: float) -> list[tuple]:
    moment = (FIRST_COMMIT + timedelta(hours=hours)).isoformat()
    return store.rows(
        f"SELECT source, accession_version, length, isolate_name FROM virus_genome_as_of('{moment}') ORDER BY ALL"
    )


@pytest.mark.slow
def test_as_of_a_run_is_the_table_content_at_that_time(store: Store) -> None:
    states = [held(store)]
    for lines in (
        [line("PX1.1"), line("PX2.1")],
        [line("PX1.1", "2025-05-02", length=100)],
        [line("PX1.2", "2025-05-03", length=200), line("PX3.1")],
    ):
        store.load(*lines, mode="incremental")
        states.append(held(store))
    assert [as_of(store, hours) for hours in (0.5, 1, 2, 3)] == states
    assert as_of(store, 1.999) == states[1]  # until the next commit, exclusive
    assert len({str(state) for state in states}) == 4


def test_change_lists_old_and_new_value_of_each_field_and_the_run(store: Store) -> None:
    store.load(line("PX1.1", isolate={"name": "a"}), line("PX2.1"))
    store.load(line("PX1.2", "2025-05-02", length=7), mode="incremental")
    changes = store.rows(
        "SELECT accession, field, old_value, new_value, run_id FROM virus_genome_change ORDER BY field"
    )
    assert changes == [
        ("PX1", "isolate_name", "a", None, "run-2"),
        ("PX1", "length", "197209", "7", "run-2"),
        ("PX1", "update_date", "2025-05-01", "2025-05-02", "run-2"),
        ("PX1", "version", "1", "2", "run-2"),
    ]


def test_change_of_a_record_revised_twice_compares_neighbouring_states(store: Store) -> None:
    store.load(line("PX1.1", length=1))
    store.load(line("PX1.1", "2025-05-02", length=2), mode="incremental")
    store.load(line("PX1.1", "2025-05-03", length=3), mode="incremental")
    changes = store.rows(
        "SELECT run_id, old_value, new_value FROM virus_genome_change WHERE field = 'length' ORDER BY changed_at"
    )
    assert changes == [("run-2", "1", "2"), ("run-3", "2", "3")]


def test_distinct_has_a_record_of_two_sources_once_in_its_latest_state(store: Store) -> None:
    store.load(line("PX1.1"), line("PX2.1"))
    store.load(line("PX1.2", "2025-05-02"), source=DENGUE)
    assert store.rows("SELECT accession_version, sources FROM virus_genome_distinct ORDER BY 1") == [
        ("PX1.2", ["dengue", "mpox"]),
        ("PX2.1", ["mpox"]),
    ]


def test_distinct_prefers_version_then_update_then_load_then_name(store: Store) -> None:
    flavi = Source(name="flavi", request=VirusGenomeRequest(taxon="11050"))
    store.load(line("PX1.2", "2025-05-01"), line("PX2.1", "2025-05-02"), line("PX3.1", length=1), line("PX4.1"))
    store.load(line("PX1.1", "2025-05-09"), line("PX2.1", "2025-05-01"), line("PX3.1", length=2), source=flavi)
    store.load(line("PX1.1", "2025-05-09"), line("PX2.1", None), line("PX3.1", length=3), source=DENGUE)
    rows = store.rows(
        "SELECT accession_version, update_date::VARCHAR, length, sources FROM virus_genome_distinct ORDER BY 1"
    )
    all_sources = ["dengue", "flavi", "mpox"]
    assert rows == [
        ("PX1.2", "2025-05-01", 197209, all_sources),
        ("PX2.1", "2025-05-02", 197209, all_sources),
        ("PX3.1", "2025-05-01", 3, all_sources),  # the last one loaded
        ("PX4.1", "2025-05-01", 197209, ["mpox"]),
    ]
    # Two sources may be loaded at the same moment; then the name decides, so that the answer is deterministic.
    store.execute("UPDATE virus_genome SET valid_from = TIMESTAMPTZ '2025-06-01 00:00:00+00' WHERE accession = 'PX3'")
    assert store.rows("SELECT length FROM virus_genome_distinct WHERE accession = 'PX3'") == [(3,)]


def test_distinct_has_the_columns_of_a_record_and_its_sources_last(store: Store) -> None:
    columns = [name for (name, *_) in store.rows("DESCRIBE virus_genome_distinct")]
    record = [name for (name, *_) in store.rows("DESCRIBE virus_genome")]
    assert columns == [name for name in record if name != "source"] + ["sources"]
