"""What follows a failed call to upstream: pure, so that the table of cases is the test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.errors import FirstEventTimeout, RateLimited, UpstreamError, UpstreamRejected

MAX_CALLS = 9
MAX_BACK_OFF_TOTAL = 30.0  # seconds
BACK_OFF_ATTEMPTS = 3
BACK_OFF_BASE = 0.5  # seconds, doubling
LONGEST_RETRY_AFTER = 10.0  # seconds that are waited because upstream says so
MAX_TOTAL = 240.0  # seconds until the first event of the last attempt; clients give up at 300
# Reading time that a long prompt may take before its first event.
BYTES_PER_SECOND = 40_000
THINKING_FACTOR = 4

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
                return self._back_off(error, elapsed)
            case "refresh" | "profile" | "new_conversation":
                return self._mend(error.retry)
            case "never":
                return None

    def is_over(self, elapsed: float) -> bool:
        """Whether no further call may be made, whatever account it would be on."""
        return self.calls >= MAX_CALLS or elapsed >= MAX_TOTAL

    def on_another_account(self) -> None:
        """What could not be mended on one account may be on the next; totals go on."""
        self._backed_off = 0
        self._mended.clear()

    def _after_silence(self, elapsed: float) -> Next | None:
        self._silences += 1
        if self._silences > self.first_event_retries or elapsed >= MAX_TOTAL:
            return None
        return Next("again")

    def _mend(self, step: Step) -> Next | None:
        if step in self._mended:
            return None
        self._mended.add(step)
        return Next(step)

    def _back_off(self, error: UpstreamError, elapsed: float) -> Next | None:
        self._backed_off += 1
        if self._backed_off >= BACK_OFF_ATTEMPTS:
            return None
        delay = BACK_OFF_BASE * 2 ** (self._backed_off - 1) * (0.5 + self.random() / 2)
        if error.retry_after is not None:
            if error.retry_after > LONGEST_RETRY_AFTER:
                return None
            delay = max(delay, error.retry_after) if isinstance(error, RateLimited) else delay
        if self._waited + delay > MAX_BACK_OFF_TOTAL or elapsed + delay >= MAX_TOTAL:
            return None
        self._waited += delay
        return Next("again", delay)


class FirstEventSettings(Protocol):
    """The `defaults` settings that matter here."""

    @property
    def first_token_timeout_seconds(self) -> float: ...  # noqa: D102
    @property
    def first_token_timeouts(self) -> Mapping[str, float]: ...  # noqa: D102


def first_event_limit(
    settings: FirstEventSettings,
    models: tuple[str, ...],
    *,
    thinking: bool,
    body_bytes: int,
    elapsed: float,
) -> float | None:
    """Seconds from sending until the first frame; None for no limit.

    Args:
        settings: the limit of short prompts, and of single models.
        models: the model's names; the first that has a limit of its own decides.
        thinking: whether reasoning was asked for, which takes its time.
        body_bytes: what has to be read before anything can be said.
        elapsed: seconds since the client's request began.
    """
    own = settings.first_token_timeouts
    base = next((own[name] for name in models if name in own), settings.first_token_timeout_seconds)
    if base <= 0:
        return None
    limit = base * (THINKING_FACTOR if thinking else 1) + body_bytes / BYTES_PER_SECOND
    return min(limit, max(1.0, MAX_TOTAL - elapsed))
