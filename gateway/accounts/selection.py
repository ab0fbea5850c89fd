"""Which account serves a request: pure, in the order that clients are promised."""

from gateway.accounts.directory import Directory
from gateway.errors import NoAccountAvailable, NotAllowed
from gateway.store.accounts import Account
from gateway.store.api_keys import ApiKey


def choose_account(api_key: ApiKey, forced: str | None, directory: Directory) -> Account:
    """The account for a key: the one `forced` by its name in the URL, else the key's default.

    Raises:
        NotAllowed: the key may use no account, or not this one.
        NoAccountAvailable: the key has no default, or its account is gone.
    """
    if not api_key.account_ids:
        raise NotAllowed("API key has no Kiro accounts assigned. Ask the gateway's operator.")
    if forced is not None:
        account = directory.account_named(forced)
        # Whether an account exists is nobody's business who may not use it.
        if account is None or account.id not in api_key.account_ids:
            raise NotAllowed(f'Kiro account "{forced}" not allowed for this API key')
        return account
    if api_key.default_account_id is None:
        raise NotAllowed("API key has no default Kiro account assigned.")
    account = directory.account(api_key.default_account_id)
    if account is None:
        raise NoAccountAvailable("The default account of this API key no longer exists.")
    return account


def check_usable(account: Account) -> Account:
    """Pass an account on if it can serve.

    Raises:
        NoAccountAvailable: it is disabled or not signed in; says what to do.
    """
    if not account.enabled:
        raise NoAccountAvailable(f'Account "{account.name}" is disabled. Enable it first.')
    if account.credentials is None:
        raise NoAccountAvailable(
            f'Account "{account.name}" is not signed in. {how_to_sign_in(account.name)}'
        )
    return account


def how_to_sign_in(name: str) -> str:
    """What to do about an account that nobody is signed in to, or whose sign-in has ended."""
    return (
        f"Run `kiro-gateway accounts login {name}`, or `kiro-gateway accounts import {name}` where "
        "kiro-cli or the Kiro IDE is signed in."
    )
