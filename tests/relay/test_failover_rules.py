"""Which failures another account may do without, and what is told when none could."""

import pytest

from gateway import errors
from gateway.errors import GatewayError
from gateway.relay.failover import best_told, may_go_on
from tests.accounts.test_cooldown_rules import ACCOUNT

GO_ON = (
    errors.NoAccountAvailable,
    errors.AccountBusy,
    errors.TokenPending,
    errors.QuotaSpent,
    errors.RateLimited,
    errors.AccountSuspended,
    errors.AccountSignInFailed,
    errors.UpstreamAccessDenied,
    errors.ProfileRejected,
    errors.UpstreamModelNotFound,
    errors.ModelOverloaded,
    errors.UpstreamUnavailable,
    errors.UpstreamInternal,
    errors.UpstreamBadGateway,
    errors.UpstreamUnreachable,
    errors.UpstreamTimeout,
)
STOP = (
    errors.InvalidRequest,
    errors.PromptTooLong,
    errors.NotAllowed,
    errors.StoreError,
    errors.InternalError,
    errors.UpstreamRejected,
    errors.UpstreamConflict,
    errors.ConversationLimit,
    errors.ConversationRejected,
    errors.UpstreamPromptTooLong,
    errors.UpstreamUntrusted,
    errors.FirstEventTimeout,
)


@pytest.mark.parametrize("kind", GO_ON)
def test_another_account_may_do_better(kind: type[GatewayError]) -> None:
    assert may_go_on(kind("x"))


@pytest.mark.parametrize("kind", STOP)
def test_another_account_would_do_no_better(kind: type[GatewayError]) -> None:
    assert not may_go_on(kind("x"))


SPENT = errors.QuotaSpent("spent")
SUSPENDED = errors.AccountSuspended("suspended")
RATE, LONG_RATE = errors.RateLimited("r", retry_after=10), errors.RateLimited("r", retry_after=90)
BUSY = errors.AccountBusy("busy", retry_after=2)
DOWN = errors.UpstreamUnavailable("down")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([SPENT, SUSPENDED], SPENT),
        ([SUSPENDED, SPENT], SUSPENDED),
        ([SPENT, RATE], RATE),
        ([LONG_RATE, RATE], RATE),
        ([RATE, LONG_RATE], RATE),
        ([RATE, BUSY], BUSY),
        ([RATE, DOWN], DOWN),
        ([SPENT, DOWN], DOWN),
    ],
)
def test_the_client_hears_what_passes_soonest(
    given: list[GatewayError], told: GatewayError
) -> None:
    assert best_told([(ACCOUNT, error) for error in given]) == (ACCOUNT, told)
