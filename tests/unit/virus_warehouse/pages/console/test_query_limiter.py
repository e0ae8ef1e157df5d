import asyncio

import pytest

from virus_warehouse.pages.console.query_limiter import Busy, QueryLimiter

NOT_LONG = 0.05


class Crowd:
    """People who hold their places until they are let go."""

    def __init__(self, turns: QueryLimiter) -> None:
        self.turns, self.inside = turns, []
        self.go = asyncio.Event()

    async def come(self, person: str) -> None:
        async with self.turns.slot(person):
            self.inside.append(person)
            await self.go.wait()

    async def all_come(self, *people: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.come(person)) for person in people]
        for _ in people:
            await asyncio.sleep(0)
        return tasks


def test_places_are_given_in_turn() -> None:
    async def play() -> None:
        crowd = Crowd(QueryLimiter(2))
        tasks = await crowd.all_come("ann", "bob", "cem", "dan")
        assert crowd.inside == ["ann", "bob"]
        crowd.go.set()
        await asyncio.gather(*tasks)
        assert crowd.inside == ["ann", "bob", "cem", "dan"]

    asyncio.run(play())


def test_one_person_leaves_places_to_others() -> None:
    async def play() -> None:
        crowd = Crowd(QueryLimiter(2, patience=NOT_LONG))
        tasks = await crowd.all_come("ann", "ann", "bob")
        assert crowd.inside == ["ann", "bob"]
        with pytest.raises(Busy, match="of yours"):
            await tasks[1]
        crowd.go.set()
        await asyncio.gather(tasks[0], tasks[2])

    asyncio.run(play())


def test_a_wait_ends_and_says_why() -> None:
    async def play() -> None:
        crowd = Crowd(QueryLimiter(1, patience=NOT_LONG))
        first, second = await crowd.all_come("ann", "bob")
        with pytest.raises(Busy, match="other users"):
            await second
        crowd.go.set()
        await first

    asyncio.run(play())


def test_not_everybody_may_wait() -> None:
    async def play() -> None:
        crowd = Crowd(QueryLimiter(1, waiting=1))
        tasks = await crowd.all_come("ann", "bob", "cem")
        with pytest.raises(Busy, match="many"):
            await tasks[2]
        crowd.go.set()
        await asyncio.gather(*tasks[:2])

    asyncio.run(play())


def test_who_gives_up_waiting_or_fails_takes_no_place() -> None:
    async def play() -> None:
        crowd = Crowd(QueryLimiter(1))
        first, second, third = await crowd.all_come("ann", "bob", "cem")
        second.cancel()
        first.cancel()
        await asyncio.wait([first, second])
        crowd.go.set()
        await third
        assert crowd.inside == ["ann", "cem"]
        assert crowd.turns._taken.total() == 0

    asyncio.run(play())
