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
        self._flights: dict[str, anyio.Event] = {}

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

    def age(self, key: str) -> float | None:
        """Seconds since what is in memory was fetched."""
        entry = self._entries.get(key)
        return self._clock() - entry.fetched_at if entry else None

    async def get(self, key: str, *, renew: bool = False) -> T:
        """The value for `key`; `renew` fetches it anew however fresh it is.

        Raises:
            GatewayError: as `fetch`, when there is no value that is young enough.
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
        await self._start(key).wait()
        return self._outcome(key, since=entry)

    def forget(self, key: str) -> None:
        """Drop what is known of `key`."""
        self._entries.pop(key, None)
        self._failures.pop(key, None)

    def _outcome(self, key: str, *, since: _Entry[T] | None) -> T:
        entry = self._entries.get(key)
        failure = self._failures.get(key)
        if entry is not None and (entry is not since or failure is None):
            return entry.value
        if entry is not None and self._clock() - entry.fetched_at < self._stale:
            return entry.value
        if failure is None:
            raise InternalError("the answer was dropped while it was fetched; try again")
        raise failure.error

    def _failed_lately(self, key: str) -> bool:
        failure = self._failures.get(key)
        return failure is not None and self._clock() - failure.at < PAUSE_AFTER_FAILURE

    def _start(self, key: str) -> anyio.Event:
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = anyio.Event()
            self._tasks.start_soon(self._run, key, flight, name=f"fetch for {key}")
        return flight

    async def _run(self, key: str, flight: anyio.Event) -> None:
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
            flight.set()
