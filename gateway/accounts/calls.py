"""Calls in the name of an account whose token or profile the service may refuse."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from gateway.errors import AccountSignInFailed, GatewayError, ProfileRejected
from gateway.store.accounts import Account
from gateway.upstream.client import bearer_of

T = TypeVar("T")
RepairProfile = Callable[[Account], Awaitable[Account]]


class AccountSource(Protocol):
    """Where accounts with a valid token come from."""

    async def get(self, account_id: str, *, rejected: str | None = None) -> Account:
        """The account, its token refreshed where needed; `rejected` is one that was refused."""
        ...


async def refreshed(
    accounts: AccountSource, account: Account, refusal: AccountSignInFailed
) -> Account:
    """The account with another token than the one that the service has just refused.

    Raises:
        AccountSignInFailed: there is none to be had; says why.
    """
    try:
        return await accounts.get(account.id, rejected=bearer_of(account))
    except GatewayError as exc:
        # The service has refused the account: that is what clients are told, with the reason.
        raise AccountSignInFailed(
            str(exc),
            code=refusal.code,
            retry_after=exc.retry_after,
            upstream_status=refusal.upstream_status,
            reason=refusal.reason,
            request_id=refusal.request_id,
        ) from exc


async def call_signed_in(
    account_id: str,
    call: Callable[[Account], Awaitable[T]],
    *,
    accounts: AccountSource,
    repair_profile: RepairProfile,
) -> T:
    """What `call` answers; asked once more when a new token or profile can help.

    Raises:
        GatewayError: the account cannot be used, or what `call` raises.
    """
    account = await accounts.get(account_id)
    try:
        return await call(account)
    except AccountSignInFailed as exc:
        account = await refreshed(accounts, account, exc)
    except ProfileRejected:
        account = await repair_profile(account)
    return await call(account)
