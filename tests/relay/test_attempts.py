from collections.abc import Callable

import pytest

from gateway import errors
from gateway.errors import UpstreamError
from gateway.relay.attempts import MAX_CALLS, Attempts, Next


def attempts(*, silences: int = 3, thinking: bool = False, jitter: float = 1.0) -> Attempts:
    return Attempts(
        first_event_retries=silences, random=lambda: jitter, has_history_thinking=thinking
    )


TRANSIENT: list[Callable[[str], UpstreamError]] = [
    errors.ModelOverloaded,
    errors.RateLimited,
    errors.UpstreamUnavailable,
    errors.UpstreamInternal,
    errors.UpstreamBadGateway,
    errors.UpstreamUnreachable,
    errors.UpstreamTimeout,
]
FINAL: list[Callable[[str], UpstreamError]] = [
    errors.UpstreamRejected,
    errors.UpstreamConflict,
    errors.UpstreamPromptTooLong,
    errors.UpstreamModelNotFound,
    errors.QuotaSpent,
    errors.AccountSuspended,
    errors.UpstreamAccessDenied,
    errors.UpstreamUntrusted,
]


@pytest.mark.parametrize("kind", TRANSIENT)
def test_a_transient_failure_is_tried_three_times_with_growing_waits(
    kind: Callable[[str], UpstreamError],
) -> None:
    counted = attempts()
    assert counted.after(kind("x"), 0) == Next("again", 0.5)
    assert counted.after(kind("x"), 1) == Next("again", 1.0)
    assert counted.after(kind("x"), 2) is None


@pytest.mark.parametrize("kind", FINAL)
def test_what_cannot_get_better_is_not_tried_again(kind: Callable[[str], UpstreamError]) -> None:
    assert attempts().after(kind("x"), 0) is None


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        (errors.AccountSignInFailed, "refresh"),
        (errors.ProfileRejected, "profile"),
        (errors.ConversationRejected, "new_conversation"),
        (errors.ConversationLimit, "new_conversation"),
    ],
)
def test_what_can_be_mended_is_mended_once(kind: type[UpstreamError], step: str) -> None:
    counted = attempts()
    following = counted.after(kind("x"), 0)
    assert following is not None
    assert (following.step, following.delay) == (step, 0.0)
    assert counted.after(kind("x"), 0) is None


def test_a_refusal_of_a_body_with_reasoning_is_tried_once_without_it() -> None:
    counted = attempts(thinking=True)
    assert counted.after(errors.UpstreamRejected("x"), 0) == Next("without_thinking")
    assert counted.after(errors.UpstreamRejected("x"), 0) is None


def test_silence_is_tried_again_as_often_as_configured() -> None:
    counted = attempts(silences=2)
    silence = errors.FirstEventTimeout("x")
    assert [counted.after(silence, at) for at in (15, 30, 45)] == [
        Next("again"),
        Next("again"),
        None,
    ]


def test_silence_is_not_tried_again_when_the_client_is_about_to_give_up() -> None:
    assert attempts().after(errors.FirstEventTimeout("x"), 240) is None


def test_a_rate_limit_waits_as_long_as_upstream_says() -> None:
    assert attempts().after(errors.RateLimited("x", retry_after=7), 0) == Next("again", 7)


def test_a_rate_limit_longer_than_ten_seconds_is_the_clients_to_wait_out() -> None:
    assert attempts().after(errors.RateLimited("x", retry_after=11), 0) is None


def test_waits_are_jittered_by_half_at_most() -> None:
    following = attempts(jitter=0.0).after(errors.UpstreamInternal("x"), 0)
    assert following == Next("again", 0.25)


def test_no_client_request_makes_more_than_nine_calls() -> None:
    counted = attempts(silences=100)
    calls = 1
    while counted.after(errors.FirstEventTimeout("x"), 0) is not None:
        calls += 1
    assert calls == MAX_CALLS == 9
