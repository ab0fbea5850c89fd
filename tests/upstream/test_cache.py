from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from gateway.errors import InternalError, UpstreamInternal
from gateway.upstream.cache import PAUSE_AFTER_FAILURE, KeyedCache

pytestmark = pytest.mark.anyio


class Source:
    """Counts fetches; answers their number, or fails while told to."""

    def __init__(self) -> None:
        self.fetches = 0
        self.now = 0.0
        self.error: Exception | None = None
        self.gate = anyio.Event()
        self.gate.set()

    async def fetch(self, key: str) -> str:
        self.fetches += 1
        mine = self.fetches
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"{key}{mine}"


@asynccontextmanager
async def cache_of(source: Source) -> AsyncIterator[KeyedCache[str]]:
    async with anyio.create_task_group() as tasks:
        yield KeyedCache(source.fetch, tasks, fresh=10, stale=100, clock=lambda: source.now)
        tasks.cancel_scope.cancel()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(5):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def test_a_fresh_value_is_answered_from_memory() -> None:
    source = Source()
    async with cache_of(source) as cache:
        assert [await cache.get("a"), await cache.get("a")] == ["a1", "a1"]
        assert source.fetches == 1


async def test_however_many_ask_one_fetch_runs() -> None:
    source = Source()
    source.gate = anyio.Event()
    answers: list[str] = []
    async with cache_of(source) as cache, anyio.create_task_group() as askers:

        async def ask() -> None:
            answers.append(await cache.get("a"))

        for _ in range(50):
            askers.start_soon(ask)
        await until(lambda: source.fetches == 1)
        source.gate.set()
    assert answers == ["a1"] * 50


async def test_an_older_value_is_answered_while_a_new_one_is_fetched() -> None:
    source = Source()
    async with cache_of(source) as cache:
        await cache.get("a")
        source.now = 20
        assert await cache.get("a") == "a1"
        await until(lambda: cache.peek("a") == "a2")
        assert await cache.get("a") == "a2"


async def test_an_old_value_is_better_than_an_error() -> None:
    source = Source()
    async with cache_of(source) as cache:
        await cache.get("a")
        source.now, source.error = 20, UpstreamInternal("down")
        assert await cache.get("a") == "a1"
        await until(lambda: source.fetches == 2)
        assert await cache.get("a") == "a1"


async def test_who_wants_a_new_value_is_told_why_there_is_none() -> None:
    source = Source()
    async with cache_of(source) as cache:
        await cache.get("a")
        source.error = UpstreamInternal("down")
        with pytest.raises(UpstreamInternal):
            await cache.get("a", renew=True)
        assert await cache.get("a") == "a1"


async def test_a_value_from_elsewhere_counts_by_its_age() -> None:
    source = Source()
    async with cache_of(source) as cache:
        cache.put("a", "stored", age=9)
        assert await cache.get("a") == "stored"
        cache.put("a", "older", age=20)
        assert cache.peek("a") == "stored"
        source.now = 1
        assert await cache.get("a") == "stored"
        await until(lambda: cache.peek("a") == "a1")


async def test_a_glance_takes_what_is_there_and_has_it_renewed() -> None:
    source = Source()
    async with cache_of(source) as cache:
        cache.put("a", "ancient", age=1000)
        source.gate = anyio.Event()
        assert await cache.glance("a", patience=60) == "ancient"
        await until(lambda: source.fetches == 1)
        source.gate.set()
        await until(lambda: cache.peek("a") == "a1")
        assert await cache.glance("a", patience=60) == "a1"
        assert source.fetches == 1


async def test_a_glance_at_nothing_waits_for_the_first_fetch_and_only_so_long() -> None:
    source = Source()
    async with cache_of(source) as cache:
        assert await cache.glance("a", patience=60) == "a1"
        source.gate = anyio.Event()
        assert await cache.glance("b", patience=0.01) is None
        source.now = 60
        # The fetch has been running for a minute: who comes now does not wait for it.
        with anyio.fail_after(5):
            assert await cache.glance("b", patience=60) is None
        source.gate.set()
        await until(lambda: cache.peek("b") == "b2")
        source.error = UpstreamInternal("down")
        assert await cache.glance("c", patience=60) is None
        assert await cache.glance("c", patience=60) is None
        assert source.fetches == 3


async def test_a_value_that_is_too_old_is_not() -> None:
    source = Source()
    async with cache_of(source) as cache:
        await cache.get("a")
        source.now, source.error = 101, UpstreamInternal("down")
        with pytest.raises(UpstreamInternal):
            await cache.get("a")


async def test_a_failure_is_remembered_for_a_while() -> None:
    source = Source()
    source.error = UpstreamInternal("down")
    async with cache_of(source) as cache:
        for _ in range(5):
            with pytest.raises(UpstreamInternal):
                await cache.get("a")
        assert source.fetches == 1
        source.now, source.error = PAUSE_AFTER_FAILURE, None
        assert await cache.get("a") == "a2"


async def test_a_caller_who_gives_up_takes_nobody_elses_answer_along() -> None:
    source = Source()
    source.gate = anyio.Event()
    async with cache_of(source) as cache:
        with anyio.move_on_after(0):
            await cache.get("a")
        source.gate.set()
        assert await cache.get("a") == "a1"


async def test_a_defect_in_a_fetch_is_an_error_of_ours_and_ends_nothing_else() -> None:
    source = Source()
    source.error = ValueError("oops")
    async with cache_of(source) as cache:
        with pytest.raises(InternalError):
            await cache.get("a")
        source.error = None
        assert await cache.get("b") == "b2"
