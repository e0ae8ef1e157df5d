import asyncio

import pytest

from virus_warehouse.pages.console.query_limiter import Busy, QueryLimiter

SHORT_TIMEOUT = 0.05


class Users:
    """Users who hold their query slots until released."""

    def __init__(self, limiter: QueryLimiter) -> None:
        self.limiter, self.inside = limiter, []
        self.go = asyncio.Event()

    async def enter(self, user: str) -> None:
        async with self.limiter.slot(user):
            self.inside.append(user)
            await self.go.wait()

    async def enter_all(self, *users: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.enter(user)) for user in users]
        for _ in users:
            await asyncio.sleep(0)
        return tasks


def test_slots_are_granted_in_order() -> None:
    async def scenario() -> None:
        users = Users(QueryLimiter(2))
        tasks = await users.enter_all("ann", "bob", "cem", "dan")
        assert users.inside == ["ann", "bob"]
        users.go.set()
        await asyncio.gather(*tasks)
        assert users.inside == ["ann", "bob", "cem", "dan"]

    asyncio.run(scenario())


def test_one_user_leaves_slots_for_others() -> None:
    async def scenario() -> None:
        users = Users(QueryLimiter(2, patience=SHORT_TIMEOUT))
        tasks = await users.enter_all("ann", "ann", "bob")
        assert users.inside == ["ann", "bob"]
        with pytest.raises(Busy, match="of yours"):
            await tasks[1]
        users.go.set()
        await asyncio.gather(tasks[0], tasks[2])

    asyncio.run(scenario())


def test_wait_times_out_with_a_reason() -> None:
    async def scenario() -> None:
        users = Users(QueryLimiter(1, patience=SHORT_TIMEOUT))
        first, second = await users.enter_all("ann", "bob")
        with pytest.raises(Busy, match="other users"):
            await second
        users.go.set()
        await first

    asyncio.run(scenario())


def test_queue_length_is_limited() -> None:
    async def scenario() -> None:
        users = Users(QueryLimiter(1, waiting=1))
        tasks = await users.enter_all("ann", "bob", "cem")
        with pytest.raises(Busy, match="many"):
            await tasks[2]
        users.go.set()
        await asyncio.gather(*tasks[:2])

    asyncio.run(scenario())


def test_cancelled_or_failed_waiter_occupies_no_slot() -> None:
    async def scenario() -> None:
        users = Users(QueryLimiter(1))
        first, second, third = await users.enter_all("ann", "bob", "cem")
        second.cancel()
        first.cancel()
        await asyncio.wait([first, second])
        users.go.set()
        await third
        assert users.inside == ["ann", "cem"]
        assert users.limiter._taken.total() == 0

    asyncio.run(scenario())
