"""The marts after complete runs over HTTP, compared with the stand-in's records, counted in Python."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from tests.support.stand_in import StandIn
from tests.support.warehouses import made_data, query
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.publication import publish_candidate
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.windows import WindowRequest

YESTERDAY = date(2025, 6, 1)
TODAY = YESTERDAY + timedelta(days=1)
VIRUSES = Source(name="viruses", request=VirusGenomeRequest(taxon="10239"))
INFLUENZA = Source(name="influenza", request=VirusGenomeRequest(taxon="11320"))


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn(today=YESTERDAY, epoch=TODAY, records=1500) as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def snapshot(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is published after two sources that overlap were loaded on two days."""
    data = made_data(tmp_path_factory.mktemp("data"))
    warehouse = Warehouse(data.warehouse, lock_timeout=120)
    for day in (YESTERDAY, TODAY):
        stand_in.set_today(day)
        for source in (VIRUSES, INFLUENZA):
            with DatasetsClient(stand_in.url, attempts=1) as client:
                # In full on both days: a record that returns after a long time is dated before a daily run's window.
                ingest(source, client=client, warehouse=warehouse, data=data, wish=WindowRequest(mode="full"))
    followed = SourcesFile(Path("sources.yaml"), {source.name: source for source in (VIRUSES, INFLUENZA)})
    candidate = prepare_candidate(warehouse, data, "candidate", followed)
    with duckdb.connect(candidate, read_only=True) as connection:
        assert connection.execute(gates_sql()).fetchall() == []
    assert publish_candidate(data, "candidate")
    return data.snapshot


class Shown(NamedTuple):
    """The counted fields of a record at NCBI. Complete records would make failure messages very long."""

    accession: str
    collected: str | None
    country: str | None
    isolate: str | None
    segment: str | None


def shown_on(stand_in: StandIn, day: date) -> dict[str, Shown]:
    return {
        record.accession: Shown(
            record.accession,
            record.isolate.collection_date,
            record.isolate.place.country if record.isolate.place else None,
            record.isolate.name,
            record.segment.name,
        )
        for record in stand_in.world.records(day)
    }


@pytest.fixture(scope="module")
def shown(stand_in: StandIn) -> list[Shown]:
    """Each record once, as last shown; one that is gone since yesterday is still there, because no census was made."""
    return list((shown_on(stand_in, YESTERDAY) | shown_on(stand_in, TODAY)).values())


def test_weeks_add_up_to_the_records_with_an_exact_week(snapshot: Path, shown: list[Shown]) -> None:
    expected: Counter[tuple[str | None, str | None]] = Counter()
    for record in shown:
        collected = record.collected or ""
        year, week, _ = date.fromisoformat(collected).isocalendar() if len(collected) == 10 else (0, 0, 0)
        expected[(f"{year}-W{week:02d}" if year else None, record.country)] += 1
    counted = query(snapshot, "SELECT iso_week, country, sum(records)::BIGINT FROM mart.weekly_count GROUP BY ALL")
    assert {(week, country): records for week, country, records in counted} == dict(expected)
    assert sum(expected.values()) == len(shown) < query(snapshot, "SELECT count(*) FROM virus_genome")[0][0]
    assert sum(1 for week, _ in expected if week is None) > 3


def test_isolates_of_influenza_have_the_segments_that_are_shown(snapshot: Path, shown: list[Shown]) -> None:
    pieces = defaultdict(list)
    for record in shown:
        if record.segment:
            pieces[record.isolate or record.accession].append(record.segment)
    expected = Counter(tuple(segments) for segments in pieces.values())
    counted = query(snapshot, "SELECT segments, count(*) FROM mart.segment_completeness GROUP BY ALL")
    assert {tuple(segments): isolates for segments, isolates in counted} == dict(expected)
    assert query(
        snapshot,
        "SELECT count(*) FROM mart.segment_completeness WHERE is_complete IS DISTINCT FROM (len(segments) = 8)",
    ) == [(0,)]


def test_only_records_of_today_are_new(snapshot: Path, stand_in: StandIn) -> None:
    yesterday, today = set(shown_on(stand_in, YESTERDAY)), set(shown_on(stand_in, TODAY))
    assert len(today - yesterday) > 3
    seen = query(snapshot, "SELECT accession FROM mart.submission_lag WHERE first_seen_at IS NOT NULL")
    assert {accession for (accession,) in seen} == today - yesterday
    new = query(
        snapshot,
        "SELECT accession FROM mart.change_since('2000-01-01') WHERE change = 'new' AND NOT is_first_load "
        "AND source = 'viruses'",
    )
    assert {accession for (accession,) in new} == today - yesterday


def test_sources_are_covered_from_the_beginning(snapshot: Path) -> None:
    rows = query(
        snapshot,
        "SELECT source, status, last_run_mode, len(covered), covered[1].since, gaps FROM mart.source_status ORDER BY 1",
    )
    assert rows == [
        ("influenza", "followed", "full", 1, None, []),
        ("viruses", "followed", "full", 1, None, []),
    ]
