"""How long the parts of a sign-in may take."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LoginTiming:
    """Times in seconds. The product takes them as they are; tests have a clock of their own.

    Attributes:
        step: for somebody to sign in in a browser, or to choose a profile.
        finishing: for everything that needs nobody any more.
        kept: for which the result of a finished sign-in is told.
        pause: before a service that did not answer is asked again.
        clock: the time, in UTC.
        sleep: waits on that clock.
    """

    step: float = 600.0
    finishing: float = 180.0
    kept: float = 600.0
    pause: float = 2.0
    clock: Callable[[], datetime] = _utc_now
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
