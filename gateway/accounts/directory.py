"""Accounts and API keys in memory: what every request looks up, without touching the database."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NoReturn

import anyio
import structlog

from gateway.errors import StoreError
from gateway.store.accounts import Account, list_accounts
from gateway.store.api_keys import ApiKey, hash_secret, list_api_keys
from gateway.store.database import Database, read_revision
from gateway.store.saved_settings import read_body_capture

POLL = 0.5  # seconds; changes by other processes are to be seen within one

log = structlog.get_logger("gateway.accounts")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Directory:
    """A snapshot of the store. Empty until `reload` has run once.

    Look-ups are dictionary reads. The rows are immutable: what a request holds does not change
    under it. API keys' `last_used_at` is as of the last reload.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = _utc_now) -> None:
        self.database = database
        self._clock = clock
        self._reloading = anyio.Lock()  # so that an older snapshot never replaces a newer one
        self._revision = -1
        self._reloaded = anyio.Event()
        self._accounts: dict[str, Account] = {}
        self._names: dict[str, str] = {}
        self._keys: dict[str, ApiKey] = {}
        self._hashes: dict[str, ApiKey] = {}
        self._retired: dict[str, tuple[ApiKey, datetime]] = {}
        self._body_capture_until: datetime | None = None

    @property
    def accounts(self) -> Collection[Account]:
        """All accounts, by name."""
        return MappingProxyType(self._accounts).values()

    @property
    def api_keys(self) -> Collection[ApiKey]:
        """All API keys, by name."""
        return MappingProxyType(self._keys).values()

    @property
    def revision(self) -> int:
        """Another one whenever something in the store has changed; -1: nothing was read yet."""
        return self._revision

    def account(self, account_id: str) -> Account | None:
        """The account with this id."""
        return self._accounts.get(account_id)

    def account_named(self, name: str) -> Account | None:
        """The account with this name; case matters."""
        return self._accounts.get(self._names.get(name, ""))

    def api_key(self, key_id: str) -> ApiKey | None:
        """The key with this id."""
        return self._keys.get(key_id)

    def key_presented(self, secret: str) -> ApiKey | None:
        """The key whose secret a client presents. Found by hash, so timing tells nothing of it.

        A secret that was rotated out counts until its overlap is over.
        """
        key_hash = hash_secret(secret)
        if (key := self._hashes.get(key_hash)) is not None:
            return key
        key, last = self._retired.get(key_hash, (None, None))
        return key if last is not None and self._clock() < last else None

    def captures_bodies(self) -> bool:
        """Whether an operator wants the bodies of requests stored just now."""
        return self._body_capture_until is not None and self._clock() < self._body_capture_until

    def publish(self, account: Account) -> None:
        """Put in an account that was just stored, without waiting for the next reload."""
        if account.id in self._accounts:
            self._accounts[account.id] = account

    async def wait_for_change(self, revision: int) -> None:
        """Until the store is at another revision than this one."""
        while self._revision == revision:
            await self._reloaded.wait()

    async def reload(self) -> None:
        """Take a new snapshot.

        Raises:
            StoreError: the database fails; the old snapshot stays.
        """
        async with self._reloading:
            async with self.database.connect() as db:
                revision = await read_revision(db)
                accounts = await list_accounts(db, self.database.secrets)
                keys = await list_api_keys(db)
                capture_until = await read_body_capture(db)
            self._revision = revision
            self._accounts = {account.id: self._newer(account) for account in accounts}
            self._names = {account.name: account.id for account in accounts}
            self._keys = {key.id: key for key in keys}
            self._hashes = {key.key_hash: key for key in keys}
            self._retired = {
                old.key_hash: (key, old.expires_at) for key in keys for old in key.retired
            }
            self._body_capture_until = capture_until
            self._reloaded.set()
            self._reloaded = anyio.Event()

    async def next_reload(self) -> None:
        """Wait until something has changed, or may have."""
        await self._reloaded.wait()

    def _newer(self, account: Account) -> Account:
        """Itself, or what was published of it while the snapshot was taken."""
        known = self._accounts.get(account.id)
        return known if known is not None and known.generation > account.generation else account

    async def watch(self) -> NoReturn:
        """Reload, for ever, whenever this or another process has changed the store."""
        failing = False
        while True:
            await anyio.sleep(POLL)
            try:
                async with self.database.connect() as db:
                    revision = await read_revision(db)
                if revision != self._revision:
                    await self.reload()
                failing = False
            except StoreError as exc:
                if not failing:
                    log.warning("accounts and keys may be out of date", error=str(exc))
                failing = True
