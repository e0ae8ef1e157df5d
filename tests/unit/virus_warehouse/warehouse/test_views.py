"""What stands on history and current records: as of a moment, what changed, each record once."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.warehouses import DENGUE, FIRST_COMMIT, Shelf, line


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def held(shelf: Shelf) -> list[tuple]:
    return shelf.rows("SELECT source, accession_version, length, isolate_name FROM virus_genome ORDER BY ALL")


def as_of(shelf: Shelf, hours: float) -> list[tuple]:
    moment = (FIRST_COMMIT + timedelta(hours=hours)).isoformat()
    return shelf.rows(
        f"SELECT source, accession_version, length, isolate_name FROM virus_genome_as_of('{moment}') ORDER BY ALL"
    )


def test_as_of_a_run_is_what_the_table_held_then(shelf: Shelf) -> None:
    states = [held(shelf)]
    for lines in (
        [line("PX1.1"), line("PX2.1")],
        [line("PX1.1", "2025-05-02", length=100)],
        [line("PX1.2", "2025-05-03", length=200), line("PX3.1")],
    ):
        shelf.load(*lines, mode="incremental")
        states.append(held(shelf))
    assert [as_of(shelf, hours) for hours in (0.5, 1, 2, 3)] == states
    assert as_of(shelf, 1.999) == states[1]  # until the next commit, exclusive
    assert len({str(state) for state in states}) == 4


def test_change_lists_old_and_new_value_of_each_field_and_the_run(shelf: Shelf) -> None:
    shelf.load(line("PX1.1", isolate={"name": "a"}), line("PX2.1"))
    shelf.load(line("PX1.2", "2025-05-02", length=7), mode="incremental")
    changes = shelf.rows(
        "SELECT accession, field, old_value, new_value, run_id FROM virus_genome_change ORDER BY field"
    )
    assert changes == [
        ("PX1", "isolate_name", "a", None, "run-2"),
        ("PX1", "length", "197209", "7", "run-2"),
        ("PX1", "update_date", "2025-05-01", "2025-05-02", "run-2"),
        ("PX1", "version", "1", "2", "run-2"),
    ]


def test_change_of_a_record_revised_twice_compares_neighbouring_states(shelf: Shelf) -> None:
    shelf.load(line("PX1.1", length=1))
    shelf.load(line("PX1.1", "2025-05-02", length=2), mode="incremental")
    shelf.load(line("PX1.1", "2025-05-03", length=3), mode="incremental")
    changes = shelf.rows(
        "SELECT run_id, old_value, new_value FROM virus_genome_change WHERE field = 'length' ORDER BY changed_at"
    )
    assert changes == [("run-2", "1", "2"), ("run-3", "2", "3")]


def test_distinct_has_a_record_of_two_sources_once_in_its_latest_state(shelf: Shelf) -> None:
    shelf.load(line("PX1.1"), line("PX2.1"))
    shelf.load(line("PX1.2", "2025-05-02"), source=DENGUE)
    assert shelf.rows("SELECT accession_version, sources FROM virus_genome_distinct ORDER BY 1") == [
        ("PX1.2", ["dengue", "mpox"]),
        ("PX2.1", ["mpox"]),
    ]
