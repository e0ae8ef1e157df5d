"""Records that NCBI shows later than their dates: none is lost, independently of the clock.

Days pass by the dates that NCBI shows; the runs themselves happen now.
"""

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.support.fake_ncbi import EVERY_HOST, FakeNcbi, Line, World
from tests.support.waiting import today_for_a_while
from tests.support.warehouses import made_data, query
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse

pytestmark = pytest.mark.usefixtures("small_loads")

MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"))
HUMAN_MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))

FIRST_DAY = date(2025, 3, 1)
"""Long ago: dates after the request would not move the watermark."""


def day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


class Followed:
    """A source followed at a fake NCBI whose world the test changes."""

    def __init__(self, ncbi: FakeNcbi, root: Path) -> None:
        self.ncbi = ncbi
        self.data = made_data(root)

    def release(self, accession: str, released: date, host: str | None = None) -> None:
        self.ncbi.world.show(Line(accession, 1, released, 1, None, host))

    def run(self, source: Source = MPOX) -> IngestResult:
        with DatasetsClient(self.ncbi.url, attempts=1) as client:
            return ingest(
                source, client=client, warehouse=Warehouse(self.data.warehouse, lock_timeout=120), data=self.data
            )

    @property
    def records(self) -> set[str]:
        return {accession for (accession,) in query(self.data.warehouse, "SELECT accession FROM virus_genome")}

    @property
    def asked(self) -> list[str | None]:
        """The `updated_since` of each request."""
        return [dict(request.query).get("updated_since") for request in self.ncbi.requests]


@pytest.fixture
def followed(ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    ncbi.world = World()
    ncbi.requests.clear()
    return Followed(ncbi, tmp_path / "data")


@pytest.mark.long
def test_index_stalled_for_20_days_loses_nothing(followed: Followed) -> None:
    followed.release("PX0", day(0))
    followed.run()
    for _ in range(20):
        result = followed.run()
        assert (result.counts["unchanged"], result.watermark) == (1, day(0))
    assert set(followed.asked[1:]) == {f"{day(-14)}T00:00:00Z"}, "the window must not move without data"

    for number in range(1, 21):
        followed.release(f"PX{number}", day(number))
    assert len(followed.ncbi.world.report(EVERY_HOST, day(20 - 14))) == 15, "six are before a lookback from today"
    result = followed.run()
    assert followed.records == {f"PX{number}" for number in range(21)}
    assert (result.counts["inserted"], result.watermark) == (20, day(20))
    followed.run()
    assert followed.asked[-1] == f"{day(20 - 14)}T00:00:00Z"


def test_index_that_delivers_its_newest_dates_first_loses_nothing_within_the_lookback(followed: Followed) -> None:
    followed.release("PX0", day(0))
    followed.run()
    followed.release("PX20", day(20))
    assert followed.run().watermark == day(20)
    for number in range(6, 20):
        followed.release(f"PX{number}", day(number))
    assert followed.run().counts["inserted"] == 14


def test_record_released_7_days_late_is_caught(followed: Followed) -> None:
    for number in range(10):
        followed.release(f"PX{number}", day(number))
        if number in (0, 9):
            followed.run()
    followed.release("PXLATE", day(2))
    result = followed.run()
    assert (result.mode, result.counts["inserted"], result.watermark) == ("incremental", 1, day(9))
    assert "PXLATE" in followed.records


def test_lookback_reaches_to_its_last_day_and_no_further(followed: Followed) -> None:
    followed.release("PX0", day(20))
    followed.run()
    followed.release("PX1", day(20 - 14))
    followed.release("PX2", day(20 - 15))
    followed.run()
    assert followed.records == {"PX0", "PX1"}


@pytest.mark.parametrize("days_ahead", [2, 400, 300_000])
def test_future_update_date_does_not_move_the_watermark(followed: Followed, days_ahead: int) -> None:
    followed.release("PX0", day(0))
    followed.release("PXFUTURE", today_for_a_while() + timedelta(days=days_ahead))
    assert followed.run().watermark == day(0)
    followed.release("PX1", day(1))
    result = followed.run()
    assert (result.updated_since, result.watermark) == (day(-14), day(1))
    assert followed.records == {"PX0", "PX1", "PXFUTURE"}


def test_only_future_dates_set_no_watermark(followed: Followed) -> None:
    followed.release("PXFUTURE", today_for_a_while() + timedelta(days=2))
    assert followed.run().watermark is None
    followed.release("PX0", day(0))
    result = followed.run()
    assert (result.mode, result.watermark) == ("full", day(0))


def test_watermark_never_moves_back(followed: Followed) -> None:
    followed.release("PX0", day(10))
    followed.run()
    followed.release("PX0", day(3))
    followed.release("PX1", day(4))
    result = followed.run()
    assert (result.counts["inserted"], result.watermark) == (1, day(10))


def test_every_fingerprint_has_its_own_watermark(followed: Followed) -> None:
    followed.release("PX0", day(0), "human")
    followed.release("PX1", day(10))
    assert followed.run().watermark == day(10)
    first = followed.run(HUMAN_MPOX)
    assert (first.mode, first.watermark) == ("full", day(0))
    followed.release("PX2", day(5), "human")
    second = followed.run(HUMAN_MPOX)
    assert (second.mode, second.updated_since, second.watermark) == ("incremental", day(-14), day(5))
    back = followed.run()
    assert (back.mode, back.watermark) == ("full", day(10))
    assert followed.run().updated_since == day(10 - 14)
    assert followed.records == {"PX0", "PX1", "PX2"}
