import pytest
from hypothesis import given
from hypothesis import strategies as st

from virus_warehouse.ncbi.pace.turns import ABSENT_SECONDS, LONGEST_PAUSE, UNHEARD_SECONDS, Turns

LIMIT = 3


def turns_at(now: float = 0.0) -> Turns:
    return Turns.read("", now, LIMIT)


def granted(turns: Turns, now: float, *tickets: str) -> list[str]:
    return [ticket for ticket in tickets if not turns.ask(ticket, now).seconds]


class Request:
    """A request from when it is sent; it arrives within `transit` seconds, and its response after that."""

    def __init__(self, ticket: str, sent: float, transit: float, thinking: float) -> None:
        self.ticket, self.arrives, self.heard = ticket, sent + transit, sent + transit + thinking


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1),  # when it asks, after the one before
            st.floats(0, UNHEARD_SECONDS),  # how long it takes to arrive
            st.floats(0, 10),  # how long the response takes after that
            st.booleans(),  # whether its process is killed before the response
        ),
        max_size=40,
    )
)
def test_no_second_has_more_arrivals_than_allowed_whatever_is_late(
    requests: list[tuple[float, float, float, bool]],
) -> None:
    turns, now = turns_at(), 0.0
    waiting: list[tuple[str, float, float, bool]] = []
    sent: list[Request] = []
    coming = [(str(number), *request) for number, request in enumerate(requests)]
    while coming or waiting:
        if coming:
            ticket, after, *how = coming.pop(0)
            now += after
            waiting.append((ticket, *how))  # type: ignore[arg-type]
        else:
            now += 0.25
        for request in sent:
            if request.heard <= now:
                turns.heard(request.ticket, request.heard)
        for ticket, transit, thinking, is_killed in list(waiting):
            if not turns.ask(ticket, now).seconds:
                waiting = [other for other in waiting if other[0] != ticket]
                sent.append(Request(ticket, now, transit, float("inf") if is_killed else thinking))
    assert len(sent) == len(requests)
    arrivals = sorted(request.arrives for request in sent)
    assert all(later - earlier > 1 - 1e-9 for earlier, later in zip(arrivals, arrivals[LIMIT:], strict=False))


def test_those_who_wait_are_served_in_the_order_in_which_they_came() -> None:
    turns = turns_at()
    assert granted(turns, 0, *"abcdef") == ["a", "b", "c"]
    for ticket in "abc":
        turns.heard(ticket, 0.1)
    assert granted(turns, 1, *"fed") == []
    assert granted(turns, 1.2, *"gfed") == ["f", "e", "d"]


def test_killed_one_does_not_keep_its_place_nor_its_slot() -> None:
    turns = turns_at()
    assert granted(turns, 0, *"abcd") == ["a", "b", "c"]
    gone = UNHEARD_SECONDS + 1 + ABSENT_SECONDS
    assert granted(turns, gone, *"ef") == ["e", "f"]


def test_wait_is_until_a_slot_is_to_be_expected() -> None:
    turns = turns_at()
    granted(turns, 0, *"abc")
    turns.heard("a", 0.5)
    assert turns.ask("d", 1.47).seconds == pytest.approx(0.03)
    assert turns.ask("d", 1.5).seconds == 0


def test_response_after_the_slot_has_gone_to_another_changes_nothing() -> None:
    turns = turns_at()
    granted(turns, 0, *"abc")
    late = UNHEARD_SECONDS + 1
    assert granted(turns, late, *"def") == ["d", "e", "f"]
    turns.heard("a", late)
    assert granted(turns, late + 1, "g") == []


class TestPause:
    def test_stops_everybody_and_is_never_shortened(self) -> None:
        turns = turns_at()
        turns.pause(60, 100)
        turns.pause(5, 110)
        assert turns.ask("a", 120) == (40, True)
        assert turns.ask("a", 160) == (0, False)

    def test_is_bounded_so_that_one_response_does_not_stop_everybody_for_years(self) -> None:
        turns = turns_at()
        turns.pause(1e9, 0)
        assert turns.ask("a", 0).seconds == LONGEST_PAUSE


class TestClock:
    @pytest.mark.parametrize("begun_again", [0.0, 99_000.0])
    def test_set_back_costs_seconds(self, begun_again: float) -> None:
        turns = turns_at(100_000)
        granted(turns, 100_000, *"abcd")
        turns.pause(10, 100_000)
        after = Turns.read(turns.model_dump_json(), begun_again, LIMIT)
        assert after.ask("e", begun_again) == (10, True)
        assert granted(after, begun_again + 10, *"efgh") == ["e", "f", "g"]

    def test_set_forward_only_ends_waits(self) -> None:
        turns = turns_at()
        granted(turns, 0, *"abcd")
        assert granted(Turns.read(turns.model_dump_json(), 1e6, LIMIT), 1e6, *"efgh") == ["e", "f", "g"]


@pytest.mark.parametrize(
    "text", ["{", '{"slots":[{"free_at":', "[]", '{"slots": 5}', '{"paused_until": NaN}', "\0\0\0", b"\xff"]
)
def test_damaged_state_counts_as_a_full_second(text: str | bytes) -> None:
    turns = Turns.read(text, 50, LIMIT)
    assert granted(turns, 50, *"abcd") == []
    assert granted(turns, 51, *"abcd") == ["a", "b", "c"]


@pytest.mark.parametrize(("before", "after"), [(10, 5), (5, 10)])
def test_state_of_another_number_of_slots_is_adapted(before: int, after: int) -> None:
    text = Turns.read("", 0, before).model_dump_json()
    assert len(Turns.read(text, 0, after).slots) == after
