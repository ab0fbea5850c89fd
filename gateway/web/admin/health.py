"""Whether an account can serve, as far as is known without asking the service."""

from typing import TYPE_CHECKING

from gateway.store.accounts import Account

if TYPE_CHECKING:
    from gateway.accounts.tokens import Tokens


def health_problem(account: Account, tokens: "Tokens") -> str | None:
    """What keeps an account from serving and what to do about it; None when nothing does."""
    return stored_problem(account) or tokens.trouble(account)


def stored_problem(account: Account) -> str | None:
    """As `health_problem`, but only what its row tells."""
    if not account.enabled:
        return "It is disabled. Enable it to use it."
    if account.credentials is None:
        return "Nobody is signed in. Import a sign-in from this machine, or sign in."
    return None
