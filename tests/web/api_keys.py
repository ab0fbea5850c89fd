"""API keys and accounts as operators leave them, for tests of who may do what."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gateway.store.accounts import create_account, get_account, set_account_enabled
from gateway.store.api_keys import create_api_key, set_api_key_enabled
from tests.harness import Gateway


async def make_key(
    gateway: Gateway,
    name: str,
    *,
    allowed: Sequence[str] = ("social",),
    default: str | None = None,
    enabled: bool = True,
    expired: bool = False,
    suppress_reasoning: bool = False,
) -> str:
    """A key; returns its secret."""
    services = gateway.services
    # One that has expired was made before.
    now = datetime.now(UTC) - timedelta(days=2 if expired else 0)
    async with services.database.begin() as db:
        key, secret = await create_api_key(
            db,
            name=name,
            allowed=allowed,
            default=default,
            expires_at=now + timedelta(days=1) if expired else None,
            suppress_reasoning=suppress_reasoning,
            now=now,
        )
        if not enabled:
            await set_api_key_enabled(db, key.id, enabled=False, now=now)
    await services.directory.reload()
    return secret


async def make_account(gateway: Gateway, name: str) -> None:
    """An account that nobody has signed in to."""
    services = gateway.services
    async with services.database.begin() as db:
        await create_account(db, services.database.secrets, name=name, now=datetime.now(UTC))
    await services.directory.reload()


async def switch_account(gateway: Gateway, name: str, *, enabled: bool) -> None:
    """Disable an account, or enable it again."""
    services = gateway.services
    async with services.database.begin() as db:
        account = await get_account(db, services.database.secrets, name)
        await set_account_enabled(db, account.id, enabled=enabled, now=datetime.now(UTC))
    await services.directory.reload()
