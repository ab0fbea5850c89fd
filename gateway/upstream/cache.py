"""Answers that are fetched once, kept, and renewed behind the back of whoever asks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio
import structlog
from anyio.abc import TaskGroup

from gateway.errors import GatewayError, InternalError

T = TypeVar("T")

# While a far side fails, asking it for every request would only add to its trouble.
PAUSE_AFTER_FAILURE = 30.0  # seconds

log = structlog.get_logger("gateway.upstream")


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T
    fetched_at: float


@dataclass(slots=True)
class _Failure:
    error: GatewayError
    at: float


@dataclass(slots=True)
class _Flight:
    done: anyio.Event
    started_at: float


class KeyedCache(Generic[T]):
    """One value for each key.

    Fresh values are answered from memory; older ones too, while a new one is fetched; values older
    than `stale` only when fetching fails. However many ask for a key, one fetch runs. Fetches run
    in `tasks`, so that a caller who gives up takes nobody else's answer along.

    Args:
        fetch: raises GatewayError; anything else is reported as a defect.
        fresh: seconds for which a value is good.
        stale: seconds for which an old value is better than an error.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[T]],
        tasks: TaskGroup,
        *,
        fresh: float,
        stale: float,
        clock: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._tasks = tasks
        self._fresh = fresh
        self._stale = stale
        self._clock = clock
        self._entries: dict[str, _Entry[T]] = {}
        self._failures: dict[str, _Failure] = {}
        self._flights: dict[str, _Flight] = {}

    def peek(self, key: str) -> T | None:
        """What is in memory, however old; never waits."""
        entry = self._entries.get(key)
        return entry.value if entry else None

    def fresh(self, key: str) -> T | None:
        """What is in memory if it is fresh; never waits."""
        entry = self._entries.get(key)
        if entry is None or self._clock() - entry.fetched_at >= self._fresh:
            return None
        return entry.value

    def put(self, key: str, value: T, *, age: float) -> None:
        """Take in a value from elsewhere, fetched `age` seconds ago, unless ours is younger."""
        fetched_at = self._clock() - age
        entry = self._entries.get(key)
        if entry is None or entry.fetched_at < fetched_at:
            self._entries[key] = _Entry(value, fetched_at)

    async def get(self, key: str, *, renew: bool = False) -> T:
        """The value for `key`; `renew` fetches it anew however fresh it is.

        Raises:
            GatewayError: as `fetch`, when there is no value that is young enough, or when it was to
                be fetched anew.
        """
        entry = self._entries.get(key)
        age = self._clock() - entry.fetched_at if entry else None
        if entry is not None and age is not None and not renew:
            if age < self._fresh:
                return entry.value
            if age < self._stale:
                if not self._failed_lately(key):
                    self._start(key)
                return entry.value
        if not renew and (failure := self._failures.get(key)) and self._failed_lately(key):
            raise failure.error
        await self._start(key).done.wait()
        return self._outcome(key, since=entry, renew=renew)

    async def glance(self, key: str, *, patience: float) -> T | None:
        """What is known, however old; it is renewed if it is not fresh.

        Where nothing is known, this waits for the fetch that is running, but only until that has
        taken `patience` seconds: who comes later does not wait at all.
        """
        entry = self._entries.get(key)
        if entry is not None and self._clock() - entry.fetched_at < self._fresh:
            return entry.value
        if not self._failed_lately(key):
            flight = self._start(key)
            if entry is None:
                with anyio.move_on_after(flight.started_at + patience - self._clock()):
                    await flight.done.wait()
        return self.peek(key)

    async def renew(self, key: str) -> None:
        """Fetch a value anew; how that went is seen by who asks for it."""
        await self._start(key).done.wait()

    def forget(self, key: str) -> None:
        """Drop what is known of `key`."""
        self._entries.pop(key, None)
        self._failures.pop(key, None)

    def _outcome(self, key: str, *, since: _Entry[T] | None, renew: bool) -> T:
        entry = self._entries.get(key)
        failure = self._failures.get(key)
        if entry is not None and (entry is not since or failure is None):
            return entry.value
        if entry is not None and not renew and self._clock() - entry.fetched_at < self._stale:
            return entry.value
        if failure is None:
            raise InternalError("the answer was dropped while it was fetched; try again")
        raise failure.error

    def _failed_lately(self, key: str) -> bool:
        failure = self._failures.get(key)
        return failure is not None and self._clock() - failure.at < PAUSE_AFTER_FAILURE

    def _start(self, key: str) -> _Flight:
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(anyio.Event(), self._clock())
            self._tasks.start_soon(self._run, key, flight, name=f"fetch for {key}")
        return flight

    async def _run(self, key: str, flight: _Flight) -> None:
        try:
            value = await self._fetch(key)
        except GatewayError as exc:
            self._failures[key] = _Failure(exc, self._clock())
            log.warning("fetch failed", key=key, error=type(exc).__name__, reason=str(exc))
        except Exception as exc:  # a defect must not end the tasks of everybody else
            log.exception("fetch broke", key=key)
            self._failures[key] = _Failure(InternalError(f"{type(exc).__name__}"), self._clock())
        else:
            self._entries[key] = _Entry(value, self._clock())
            self._failures.pop(key, None)
        finally:
            del self._flights[key]
            flight.done.set()
