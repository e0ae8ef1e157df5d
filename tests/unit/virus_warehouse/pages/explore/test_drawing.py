"""The chart process is stopped when it takes too long, and restarted for the next request."""

import contextlib
import threading
from collections.abc import Iterator

import psutil
import pytest

from virus_warehouse.pages.explore.drawing import Drawer, NotDrawn

pytestmark = pytest.mark.slow

BAR = {"data": {"values": [{"a": 12345}]}, "mark": "bar", "encoding": {"x": {"field": "a"}}}
ENDLESS = {
    "data": {"sequence": {"start": 0, "stop": 1e6}},
    "transform": [{"calculate": "length(join(sequence(0, 1e5)))", "as": "a"}],
    "mark": "bar",
    "encoding": {"x": {"field": "a"}},
}


SECONDS = 120.5
"""The time limit of a chart here: on a busy machine the first one takes seconds. No other drawer has this limit."""
TOO_LONG = 1


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    drawer = Drawer(SECONDS)
    yield drawer
    drawer.close()


def programs() -> list[psutil.Process]:
    """The processes of this test's drawer, and not those of other drawers."""
    return [child for child in psutil.Process().children() if is_of(child, SECONDS) or is_of(child, TOO_LONG)]


def is_of(process: psutil.Process, seconds: float) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()[-1:] == [str(seconds)]
    return False


def test_a_chart_is_an_svg_element(drawer: Drawer) -> None:
    svg = drawer.svg(BAR)
    assert svg.startswith("<svg ")
    assert svg.endswith("</svg>")


def test_slow_chart_is_stopped_and_the_next_one_is_drawn(drawer: Drawer) -> None:
    drawer._seconds = TOO_LONG
    with pytest.raises(NotDrawn, match=f"longer than {TOO_LONG} second"):
        drawer.svg(ENDLESS)
    assert programs() == []
    drawer._seconds = SECONDS
    assert "<path" in drawer.svg(BAR)


def test_invalid_chart_is_reported_and_the_next_one_is_drawn(drawer: Drawer) -> None:
    with pytest.raises(NotDrawn, match="log"):
        drawer.svg({"mark": {"type": "no such mark"}})
    assert "<path" in drawer.svg(BAR)


def test_external_data_are_not_fetched(drawer: Drawer, tmp_path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nsecret\n", encoding="utf-8")
    spec = {"data": {"url": secret.as_uri()}, "mark": "text", "encoding": {"text": {"field": "a"}}}
    try:
        drawn = drawer.svg(spec)
    except NotDrawn:
        drawn = ""
    assert "secret" not in drawn


def test_concurrent_requests_each_get_their_own_chart(drawer: Drawer) -> None:
    drawn: dict[int, str] = {}

    def draw(number: int) -> None:
        drawn[number] = drawer.svg({**BAR, "title": f"chart {number}"})

    threads = [threading.Thread(target=draw, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"chart {number}<" in drawn[number] for number in range(6))
    assert len(programs()) == 1


def test_no_process_is_left_running(drawer: Drawer) -> None:
    drawer.svg(BAR)
    drawer.close()
    assert programs() == []
