"""Slowing down whoever guesses at the admin key."""

from collections import Counter
from collections.abc import Awaitable, Callable

from gateway.web.admin.errors import SlowDown
from gateway.web.auth import LONGEST_DELAY, FailureDelay

# Waiting one after the other is slow; a thousand at a time would not be.
MAX_WAITING = 4


class Attempts:
    """Wrong keys, counted for each peer."""

    def __init__(self) -> None:
        self._delay = FailureDelay()
        self._waiting: Counter[str] = Counter()

    def check(self, peer: str) -> None:
        """Let a peer try a key.

        Raises:
            SlowDown: several wrong ones of it are still being held back. The right key
                would be refused too, or else guessing in parallel would cost nothing.
        """
        if self._waiting[peer] >= MAX_WAITING:
            raise SlowDown(
                "Too many wrong admin keys from this address. Wait a moment.",
                retry_after=LONGEST_DELAY,
            )

    async def failed(self, peer: str, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Count a wrong key, and hold its answer back; the first few of a peer cost nothing."""
        seconds = self._delay.fail(peer)
        if seconds <= 0:
            return
        self._waiting[peer] += 1
        try:
            await sleep(seconds)
        finally:
            self._waiting[peer] -= 1
            if not self._waiting[peer]:
                del self._waiting[peer]
