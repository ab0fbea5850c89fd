"""Going on to another account: when it may help, and what is told when none could."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from gateway.errors import (
    AccountBusy,
    FirstEventTimeout,
    GatewayError,
    NoAccountAvailable,
    TokenPending,
    UpstreamError,
    UpstreamModelNotFound,
)
from gateway.store.accounts import Account

Refusal = tuple[Account, GatewayError]
"""An account, and why it did not serve."""


class Alternatives(Protocol):
    """The accounts that a request may run on."""

    def order(self) -> Iterator[Account]:
        """At least one, the best first; what comes later is decided when it is wanted."""
        ...

    def why_not_its_own(self) -> GatewayError:
        """Why the account that the request is meant for is not the first of them."""
        ...


def may_go_on(error: GatewayError) -> bool:
    """Whether another account might do what this one did not.

    Not after silence: the request was taken, costs its credits, and would be as long elsewhere.
    """
    if isinstance(error, FirstEventTimeout):
        return False
    if isinstance(error, NoAccountAvailable | UpstreamModelNotFound):
        return True
    return isinstance(error, UpstreamError) and (
        error.source == "account" or error.retry == "back_off"
    )


def best_told(refusals: Sequence[Refusal]) -> Refusal:
    """The one that the client is told: what passes soonest, else the first.

    A client that hears of a spent quota gives up, although it only has to wait for another account.
    """
    passing = [refusal for refusal in refusals if _passes(refusal[1])]
    return min(passing, key=lambda refusal: refusal[1].retry_after or 0.0, default=refusals[0])


def _passes(error: GatewayError) -> bool:
    if isinstance(error, UpstreamError):
        return error.retry == "back_off"
    return isinstance(error, AccountBusy | TokenPending)
