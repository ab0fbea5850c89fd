from collections.abc import Callable

import pytest

from gateway import errors
from gateway.errors import UpstreamError
from gateway.relay.attempts import (
    MAX_BACK_OFF_TOTAL,
    MAX_CALLS,
    Attempts,
    Next,
    first_event_limit,
)
from gateway.settings import DefaultsSettings


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


@pytest.mark.parametrize("kind", TRANSIENT)
def test_nothing_is_tried_again_when_the_client_is_about_to_give_up(
    kind: Callable[[str], UpstreamError],
) -> None:
    assert attempts().after(kind("x"), 239.6) is None


def test_waits_of_one_request_end_at_thirty_seconds() -> None:
    counted = Attempts(first_event_retries=100, random=lambda: 1.0)
    waited = 0.0
    for _ in range(20):
        following = counted.after(errors.RateLimited("x", retry_after=10), 0)
        waited += following.delay if following else 0.0
        counted.after(errors.FirstEventTimeout("x"), 0)
    assert waited <= MAX_BACK_OFF_TOTAL == 30


def test_what_upstream_says_of_the_time_counts_for_rate_limits_only() -> None:
    following = attempts().after(errors.UpstreamUnavailable("x", retry_after=7), 0)
    assert following == Next("again", 0.5)


def limit(
    *, thinking: bool = False, body_bytes: int = 0, elapsed: float = 0.0, **settings: object
) -> float | None:
    return first_event_limit(
        DefaultsSettings(**settings),  # type: ignore[arg-type]
        ("claude-opus-4.5", "opus"),
        thinking=thinking,
        body_bytes=body_bytes,
        elapsed=elapsed,
    )


def test_the_first_event_of_a_short_prompt_has_fifteen_seconds() -> None:
    assert limit() == 15


def test_thinking_takes_four_times_as_long() -> None:
    assert limit(thinking=True) == 60


def test_a_long_prompt_takes_a_second_more_for_each_forty_kilobytes() -> None:
    assert limit(body_bytes=400_000) == 25
    assert limit(body_bytes=400_000, thinking=True) == 70


@pytest.mark.parametrize("name", ["claude-opus-4.5", "opus"])
def test_a_model_can_have_a_limit_of_its_own_under_either_of_its_names(name: str) -> None:
    assert limit(first_token_timeouts={name: 90}) == 90
    assert limit(first_token_timeouts={"another": 90}) == 15


def test_a_limit_of_zero_is_none() -> None:
    assert limit(first_token_timeout_seconds=0) is None
    assert limit(first_token_timeouts={"opus": 0}) is None
    assert limit(first_token_timeout_seconds=0, first_token_timeouts={"opus": 5}) == 5


def test_a_small_limit_is_kept() -> None:
    assert limit(first_token_timeout_seconds=0.05) == 0.05


def test_all_attempts_together_end_in_time_for_the_client() -> None:
    assert limit(first_token_timeout_seconds=100, elapsed=200) == 40
    assert limit(first_token_timeout_seconds=100, elapsed=500) == 1
