"""Whether an account can serve, as far as is known without asking the service."""

from gateway.accounts.tokens import Tokens
from gateway.store.accounts import Account


def health_problem(account: Account, tokens: Tokens) -> str | None:
    """What keeps an account from serving and what to do about it; None when nothing does."""
    if not account.enabled:
        return "It is disabled. Enable it to use it."
    if account.credentials is None:
        return "Nobody is signed in. Import a sign-in from this machine, or sign in."
    return tokens.trouble(account)
