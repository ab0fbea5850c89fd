"""Noticing when the state of an account changes, and writing that down."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import NoReturn

import anyio
import structlog

from gateway.accounts.directory import Directory
from gateway.accounts.health import AccountHealth
from gateway.accounts.health_states import State
from gateway.errors import StoreError
from gateway.store.accounts import Account
from gateway.store.database import Database
from gateway.store.health_changes import (
    HealthChange,
    add_health_changes,
    latest_health_changes,
)

LOOK = 10.0  # seconds between looks at all accounts: time alone ends cool-downs
RETRY = 1.0  # seconds between attempts to write while the database refuses
MAX_UNWRITTEN = 1000  # changes; while the database is away, the oldest make room

log = structlog.get_logger("gateway.accounts")


class HealthHistory:
    """What the states of accounts were. `load` it once; `run` has to run beside it.

    Several processes see most changes alike; of these the store keeps one.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        health: AccountHealth,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._directory = directory
        self._health = health
        self._clock = clock
        self._known: dict[str, HealthChange] = {}
        self._unwritten: deque[HealthChange] = deque(maxlen=MAX_UNWRITTEN)
        self._wake = anyio.Event()

    def since(self, account_id: str, state: State) -> datetime | None:
        """From when on an account has been in a state, if it is in that one."""
        known = self._known.get(account_id)
        return known.at if known is not None and known.state == state else None

    def look_at(self, account_id: str) -> None:
        """Something about this account may have changed."""
        account = self._directory.account(account_id)
        if account is not None:
            self._look(account)

    async def load(self) -> None:
        """Find out where the history ends.

        Raises:
            StoreError: the database fails.
        """
        async with self._database.connect() as db:
            latest = await latest_health_changes(db)
        self._known = {change.account_id: change for change in latest}

    async def flush(self) -> None:
        """Write what was noticed.

        Raises:
            StoreError: the database refuses; it stays to be written.
        """
        changes = tuple(self._unwritten)
        if not changes:
            return
        async with self._database.begin() as db:
            await add_health_changes(db, changes)
        for _ in changes:
            self._unwritten.popleft()

    async def run(self) -> NoReturn:
        """Look and write, for ever; the rest is written when this is cancelled."""
        try:
            await self._run()
        finally:
            with anyio.CancelScope(shield=True), suppress(StoreError):
                await self.flush()

    async def _run(self) -> NoReturn:
        while True:
            for account in self._directory.accounts:
                self._look(account)
            try:
                await self.flush()
            except StoreError as exc:
                log.warning("history of health not written", error=str(exc))
                await anyio.sleep(RETRY)
            with anyio.move_on_after(LOOK):
                await self._wake.wait()
            self._wake = anyio.Event()

    def _look(self, account: Account) -> None:
        health = self._health.of(account)
        known = self._known.get(account.id)
        told = (health.state, health.problem, health.until)
        if known is not None and (known.state, known.reason, known.until) == told:
            return
        since = health.since or self._clock()
        if known is not None and known.state == health.state:
            since = self._clock()
        change = HealthChange(account.id, since, *told)
        self._known[account.id] = change
        self._unwritten.append(change)
        self._wake.set()
        # That all is well at the start is nothing to tell.
        tell = log.warning if not health.healthy else log.info if known else log.debug
        tell("account health", account=account.name, state=health.state, reason=health.reason)
