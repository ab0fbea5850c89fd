"""Profile, quota and models of every account, asked for before a request has need of them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

import anyio
import structlog

from gateway.accounts.answers import AccountAnswers
from gateway.accounts.directory import Directory
from gateway.accounts.profiles import Profiles, misses_profile
from gateway.accounts.tokens import Tokens
from gateway.errors import GatewayError
from gateway.kiro.models import Model
from gateway.kiro.quota import Quota
from gateway.store.accounts import Account

QUOTA_EVERY = 600.0  # seconds
MODELS_EVERY = 3600.0  # seconds
RETRY_EVERY = 600.0  # seconds; what failed, and a profile that is still missing
SCAN = 60.0  # seconds between looks at all accounts, unless one changes
AT_ONCE = 4  # accounts, so that a start with many is no burst

log = structlog.get_logger("gateway.accounts")


@dataclass(slots=True)
class _Tried:
    """When each thing was last tried for one sign-in, in monotonic seconds."""

    signed_in_at: datetime | None
    at: dict[str, float] = field(default_factory=dict)


class Upkeep:
    """Keeps what the service says of accounts up to date, a few accounts at a time.

    An account that changes, above all one that has just been signed in, is looked after at once.
    Accounts that cannot be used are left alone.
    """

    def __init__(
        self,
        directory: Directory,
        tokens: Tokens,
        profiles: Profiles,
        quotas: AccountAnswers[Quota],
        models: AccountAnswers[tuple[Model, ...]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._profiles = profiles
        self._quotas = quotas
        self._models = models
        self._clock = clock
        self._tried: dict[str, _Tried] = {}

    async def run(self, *, delay: float) -> NoReturn:
        """Go on for ever; each look waits `delay` seconds first, for things to settle."""
        while True:
            await anyio.sleep(delay)
            await self.look()
            with anyio.move_on_after(SCAN):
                await self._directory.next_reload()

    async def look(self) -> None:
        """See to every account that something is due for."""
        accounts = iter([account.id for account in self._directory.accounts])
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(self._see_to_each, accounts)

    async def _see_to_each(self, account_ids: Iterator[str]) -> None:
        for account_id in account_ids:
            account = self._directory.account(account_id)
            if account is not None and self._is_usable(account):
                try:
                    await self._see_to(account)
                except Exception:
                    # Raised on, a defect here would end every other task of the gateway.
                    log.exception("defect in the upkeep of an account", account=account.name)

    async def _see_to(self, account: Account) -> None:
        tried = self._tried.get(account.id)
        if tried is None or tried.signed_in_at != account.signed_in_at:
            tried = self._tried[account.id] = _Tried(account.signed_in_at)
        # Without its profile an organisation's account is refused everything else.
        if misses_profile(account) and self._is_due(tried, "profile", RETRY_EVERY):
            try:
                account = await self._profiles.discover(account)
            except GatewayError as exc:
                log.warning("profile not found", account=account.name, reason=str(exc))
        for answers, every in ((self._quotas, QUOTA_EVERY), (self._models, MODELS_EVERY)):
            if answers.is_fresh(account.id, within=every):
                continue
            if self._is_due(tried, answers.kind, RETRY_EVERY):
                await answers.refresh(account.id)

    def _is_due(self, tried: _Tried, what: str, every: float) -> bool:
        now = self._clock()
        last = tried.at.get(what)
        if last is not None and now - last < every:
            return False
        tried.at[what] = now
        return True

    def _is_usable(self, account: Account) -> bool:
        return (
            account.enabled
            and account.credentials is not None
            and self._tokens.trouble(account) is None
        )
