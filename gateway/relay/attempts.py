"""What follows a failed call to upstream: pure, so that the table of cases is the test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from gateway.errors import FirstEventTimeout, RateLimited, UpstreamError, UpstreamRejected

MAX_CALLS = 9
MAX_BACK_OFF_TOTAL = 30.0  # seconds
BACK_OFF_ATTEMPTS = 3
BACK_OFF_BASE = 0.5  # seconds, doubling
LONGEST_RETRY_AFTER = 10.0  # seconds that are waited because upstream says so
MAX_FIRST_EVENT_TOTAL = 240.0  # seconds; clients give up at 300

Step = Literal["again", "refresh", "profile", "new_conversation", "without_thinking"]


@dataclass(frozen=True, slots=True)
class Next:
    """Call once more, after `delay` seconds and the `step`."""

    step: Step
    delay: float = 0.0


@dataclass(slots=True)
class Attempts:
    """Counts one client request's calls and decides after each failure. None means: give up.

    Args:
        first_event_retries: how often silence before the first frame is tried again.
        random: uniform in [0, 1), for the jitter.
        has_history_thinking: the body carries reasoning that the service may refuse.
    """

    first_event_retries: int
    random: Callable[[], float]
    has_history_thinking: bool = False
    calls: int = 0
    _backed_off: int = 0
    _waited: float = 0.0
    _silences: int = 0
    _mended: set[Step] = field(default_factory=set)

    def after(self, error: UpstreamError, elapsed: float) -> Next | None:
        """`elapsed` is seconds since the client's request began."""
        self.calls += 1
        if self.calls >= MAX_CALLS:
            return None
        if isinstance(error, FirstEventTimeout):
            return self._after_silence(elapsed)
        if type(error) is UpstreamRejected and self.has_history_thinking:
            return self._mend("without_thinking")
        match error.retry:
            case "back_off":
                return self._back_off(error)
            case "refresh" | "profile" | "new_conversation":
                return self._mend(error.retry)
            case "never":
                return None

    def _after_silence(self, elapsed: float) -> Next | None:
        self._silences += 1
        if self._silences > self.first_event_retries or elapsed >= MAX_FIRST_EVENT_TOTAL:
            return None
        return Next("again")

    def _mend(self, step: Step) -> Next | None:
        if step in self._mended:
            return None
        self._mended.add(step)
        return Next(step)

    def _back_off(self, error: UpstreamError) -> Next | None:
        self._backed_off += 1
        if self._backed_off >= BACK_OFF_ATTEMPTS:
            return None
        delay = BACK_OFF_BASE * 2 ** (self._backed_off - 1) * (0.5 + self.random() / 2)
        if error.retry_after is not None:
            if error.retry_after > LONGEST_RETRY_AFTER:
                return None
            delay = max(delay, error.retry_after) if isinstance(error, RateLimited) else delay
        if self._waited + delay > MAX_BACK_OFF_TOTAL:
            return None
        self._waited += delay
        return Next("again", delay)
