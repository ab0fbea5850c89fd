"""A clock that stands still until a test moves it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio


@dataclass
class ManualTime:
    """`sleep` wakes when `advance` has gone far enough; `waits` are all that were ever begun."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    waits: list[float] = field(default_factory=list)
    _sleeping: list[tuple[float, datetime, anyio.Event]] = field(default_factory=list)
    _began: anyio.Event = field(default_factory=anyio.Event)

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        wake = self.now + timedelta(seconds=seconds)
        entry = (seconds, wake, anyio.Event())
        self.waits.append(seconds)
        self._sleeping.append(entry)
        self._began.set()
        self._began = anyio.Event()
        try:
            await entry[2].wait()
        finally:
            self._sleeping.remove(entry)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for _, wake, event in self._sleeping:
            if wake <= self.now:
                event.set()

    async def asleep(self, seconds: float) -> None:
        """Wait until somebody has begun to sleep for so long."""
        while not any(
            meant == seconds and not event.is_set() for meant, _, event in self._sleeping
        ):
            await self._began.wait()
