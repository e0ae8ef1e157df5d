"""Quarantined lines are kept once, and replayed when a newer version can read them."""

import random
from typing import Any

import pytest

from tests.support.fake_ncbi import BadLine, Line
from tests.support.followed import FIRST_DAY, HUMAN_MPOX, Followed
from tests.support.warehouses import line, query
from virus_warehouse import sql_file
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.rebuild import rebuild
from virus_warehouse.sources import Source

pytestmark = pytest.mark.usefixtures("small_loads")


@pytest.fixture
def followed(followed: Followed) -> Followed:
    followed.show("PX1", 1)
    return followed


@pytest.fixture
def newer_version(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Simulates a newer version that can read a length in words."""

    def upgrade() -> None:
        read = sql_file.read_sql
        extended = read("reports/macros.sql").replace(
            "CASE WHEN try_cast(given AS BIGINT)::VARCHAR = given THEN",
            "CASE WHEN given = 'forty' THEN 40 WHEN try_cast(given AS BIGINT)::VARCHAR = given THEN",
        )
        assert "forty" in extended
        monkeypatch.setattr(sql_file, "read_sql", lambda name: extended if name == "reports/macros.sql" else read(name))

    return upgrade


def bad(accession: str, day: int = 2, **fields: Any) -> BadLine:
    updated = FIRST_DAY.replace(day=day).isoformat()
    return BadLine(line(accession, updated, host={"commonName": "human"}, **{"length": "forty", **fields}))


def long_text(length: int) -> str:
    """A text that is packed quickly, and not into so little that the package would be refused."""
    return (random.Random(1).randbytes(512).hex() * (length // 1024 + 1))[:length]


def quarantine(followed: Followed, columns: str = "raw, replayed_at IS NOT NULL") -> list[tuple[Any, ...]]:
    return query(followed.data.warehouse, f"SELECT {columns} FROM ops.quarantine ORDER BY line_number, raw")


def test_refused_line_is_one_row_however_often_it_comes(followed: Followed) -> None:
    followed.ncbi.world.strays.append((0, bad("PX2.1")))
    first, _, last = followed.run(), followed.run(), followed.run(mode="full")
    assert quarantine(followed, "line_number, reason, first_run_id, last_run_id, replayed_at") == [
        (1, 'length: "forty" is not a whole number', first.run_id, last.run_id, None)
    ]


def test_record_of_a_replay_is_noted_without_its_sequence_until_a_run_brings_it(
    followed: Followed, newer_version: Any
) -> None:
    source = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", include_sequence=("GENOME",)))
    followed.ncbi.world.strays.append((0, bad("PX2.1")))
    followed.run(source)
    newer_version()
    assert followed.run(source, "replay").counts["inserted"] == 1
    open_ones = "SELECT sequence_id, reason FROM ops.sequence_mismatch WHERE resolved_at IS NULL"
    assert query(followed.data.warehouse, open_ones) == [("PX2.1", "no sequences were requested with this report")]
    followed.ncbi.world.strays.clear()
    followed.show("PX2", 2, length=40)
    followed.run(source)
    assert query(followed.data.warehouse, open_ones) == []


def test_newer_version_loads_what_it_understands_and_marks_it(followed: Followed, newer_version: Any) -> None:
    followed.ncbi.world.strays += [(0, bad("PX2.1")), (0, BadLine("{"))]
    followed.run()
    untouched = followed.run(mode="replay")
    assert (untouched.counts["lines"], untouched.counts["quarantined"], untouched.changed) == (2, 2, False)

    newer_version()
    requests = len(followed.ncbi.requests)
    result = followed.run(mode="replay")
    assert len(followed.ncbi.requests) == requests
    assert (result.mode, result.counts["inserted"], result.counts["quarantined"]) == ("replay", 1, 1)
    assert query(followed.data.warehouse, "SELECT length, run_id FROM virus_genome WHERE accession = 'PX2'") == [
        (40, result.run_id)
    ]
    assert sorted(replayed for _, replayed in quarantine(followed)) == [False, True]
    assert followed.run(mode="replay").counts["lines"] == 1
    assert query(followed.data.warehouse, gates_sql()) == []
    # A rebuild reads the line from its package directly, and has nothing to replay.
    assert query(rebuild(followed.data).path, "SELECT length FROM virus_genome WHERE accession = 'PX2'") == [(40,)]


def test_replayed_line_does_not_replace_newer_records(followed: Followed, newer_version: Any) -> None:
    world = followed.ncbi.world
    world.strays += [(0, bad("PX2.1")), (0, bad("PX3.1", 9)), (0, bad("PX4.1"))]
    followed.run()
    world.strays.clear()
    followed.show("PX2", 5, length=7)
    followed.show("PX3", 5, length=7)
    followed.show("PX4", 1, length=7)
    followed.run(mode="full")
    newer_version()
    result = followed.run(mode="replay")
    # PX2 has a later date now; PX3's replayed line is later; PX4 has the same date and other content.
    assert {name: result.counts[name] for name in ("stale", "revised", "inserted")} == {
        "stale": 2,
        "revised": 1,
        "inserted": 0,
    }
    assert query(followed.data.warehouse, "SELECT accession, length FROM virus_genome ORDER BY 1") == [
        ("PX1", 1),
        ("PX2", 7),
        ("PX3", 40),
        ("PX4", 7),
    ]


def test_replay_never_moves_the_watermark(followed: Followed, newer_version: Any) -> None:
    followed.ncbi.world.strays.append((0, bad("PX2.1", 20)))
    before = followed.run().watermark
    newer_version()
    assert followed.run(mode="replay").watermark == before


def test_replay_reinstates_no_withdrawn_record(followed: Followed, newer_version: Any) -> None:
    followed.show("PX2", 1)
    followed.run()
    followed.ncbi.world.strays.append((0, bad("PX2.1")))
    followed.run()
    followed.ncbi.world.strays.clear()
    del followed.ncbi.world.records["PX2"]
    followed.run(mode="census")
    assert followed.run(mode="census").counts["withdrawn"] == 1
    newer_version()
    assert followed.run(mode="replay").counts["stale"] == 1
    assert query(followed.data.warehouse, "SELECT accession FROM virus_genome") == [("PX1",)]


def test_lines_of_other_filters_and_truncated_lines_are_not_replayed(followed: Followed, newer_version: Any) -> None:
    followed.ncbi.world.strays.append((0, bad("PX2.1", labHost=long_text(17 << 20))))
    followed.run()
    followed.ncbi.world.strays[:] = [(0, bad("PX3.1"))]
    followed.run(HUMAN_MPOX)
    newer_version()
    assert followed.run(mode="replay").counts["lines"] == 0
    assert followed.run(HUMAN_MPOX, mode="replay").counts["inserted"] == 1


def test_source_without_refused_lines_has_nothing_to_replay(followed: Followed) -> None:
    assert followed.run(mode="replay").counts["lines"] == 0


@pytest.mark.parametrize("count", [800, pytest.param(10_000, marks=pytest.mark.long)])
def test_every_bad_line_of_the_notes_among_many_good_ones(followed: Followed, count: int) -> None:
    good = [Line(f"PY{number}", 1, FIRST_DAY, number, "an isolate", "human") for number in range(count)]
    for entry in good:
        followed.ncbi.world.show(entry)
    bad_lines = {
        "malformed": '{"accession":}',
        "truncated": '{"accession":"PZ1.1","length":',
        "not JSON": "<html>",
        "garbage after the object": '{"accession":"PZ2.1"} garbage',
        "array": "[1,2]",
        "number": "42",
        "mistyped": '{"accession":"PZ3.1","length":"abc"}',
        "overflow": '{"accession":"PZ4.1","length":99999999999999999999}',
        "bad date": '{"accession":"PZ5.1","updateDate":"2025-02-30"}',
        "text for a list": '{"accession":"PZ6.1","bioprojects":"PRJ1"}',
        "fraction": '{"accession":"PZ7.1","length":1.5}',
        "number for a text": '{"accession":"PZ8.1","labHost":5}',
        "object for a text": '{"accession":"PZ9.1","segment":{"a":1}}',
        "two objects": '{"accession":"PZ10.1"}{"accession":"PZ11.1"}',
        "too long": '{"accession":"PZ12.1","labHost":"' + long_text(20 << 20) + '"}',
        "name in another case": '{"Accession":"PZ13.1"}',
    }
    places = [number * (count // 20) for number in range(len(bad_lines))]
    followed.ncbi.world.strays += zip(places, map(BadLine, bad_lines.values()), strict=True)
    result = followed.run()
    assert (result.counts["inserted"], result.counts["quarantined"]) == (count + 1, len(bad_lines))
    quarantined = query(followed.data.warehouse, "SELECT line_number, reason, raw FROM ops.quarantine ORDER BY 1")
    assert [number for number, _, _ in quarantined] == [place + 1 for place in places]
    assert all(reason for _, reason, _ in quarantined)
    assert [raw for _, _, raw in quarantined] == [text[: 1 << 20] for text in bad_lines.values()]
