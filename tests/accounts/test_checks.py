"""When accounts are looked at in the background, and what that does to them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import anyio
import anyio.lowlevel
import pytest

from gateway.accounts.checks import AT_ONCE, HealthChecks
from gateway.accounts.cooldowns import Cooldowns
from gateway.accounts.directory import Directory
from gateway.accounts.health import AccountHealth
from gateway.errors import (
    AccountSignInFailed,
    AccountSuspended,
    GatewayError,
    NoAccountAvailable,
    UpstreamUnreachable,
)
from gateway.kiro.quota import Quota
from gateway.store.accounts import Account, set_account_enabled
from gateway.store.database import Database
from tests.sample_store import NOW, add_account, oidc_credentials, open_sample

pytestmark = pytest.mark.anyio

INTERVAL = timedelta(seconds=60)


@dataclass
class Service:
    """Tokens and quotas that answer at once, wait, or fail; and what they were asked."""

    health: AccountHealth | None = None
    directory: Directory | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    is_fresh_for: set[str] = field(default_factory=set)
    token_error: GatewayError | None = None
    quota_error: GatewayError | None = None
    gate: anyio.Event | None = None
    renewal: str | None = None
    running: int = 0
    most: int = 0

    # What tokens do.
    async def token(self, account_id: str, rejected: str | None) -> Account:
        self.asked.append((account_id, "token" if rejected is None else "another token"))
        self.running += 1
        self.most = max(self.most, self.running)
        if self.gate is not None:
            await self.gate.wait()
        self.running -= 1
        if self.token_error is not None:
            raise self.token_error
        assert self.directory is not None
        account = self.directory.account(account_id)
        assert account is not None
        return account

    # What quotas do.
    def peek(self, account_id: str) -> Quota | None:
        return None

    def is_fresh(self, account_id: str) -> bool:
        return account_id in self.is_fresh_for

    async def refresh(self, account_id: str) -> None:
        await self.quota(account_id)

    async def quota(self, account_id: str) -> None:
        self.asked.append((account_id, "quota"))
        if self.quota_error is not None:
            assert self.health is not None
            self.health.heard_refusal(account_id, self.quota_error)

    def trouble(self, account: Account) -> str | None:
        return None

    def refused(self, account: Account) -> None:
        return None

    def pending(self, account: Account) -> str | None:
        return self.renewal


class TokenSource:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def get(self, account_id: str, *, rejected: str | None = None) -> Account:
        return await self._service.token(account_id, rejected)


class QuotaSource:
    def __init__(self, service: Service) -> None:
        self.peek = service.peek
        self.is_fresh = service.is_fresh
        self.refresh = service.refresh
        self._service = service

    async def get(self, account_id: str, *, renew: bool = False) -> object:
        await self._service.quota(account_id)
        return None


@dataclass
class Setting:
    database: Database
    directory: Directory
    health: AccountHealth
    checks: HealthChecks
    service: Service
    accounts: list[Account]
    now: datetime = NOW

    async def settle(self) -> None:
        """Let what was begun come to its end, or to a gate."""
        for _ in range(200):
            await anyio.lowlevel.checkpoint()

    async def due(self) -> list[tuple[str, str]]:
        """What is asked when the checks look now."""
        self.service.asked.clear()
        self.checks.start_due(INTERVAL)
        await self.settle()
        return list(self.service.asked)


@asynccontextmanager
async def setting(
    folder: Path, count: int = 1, interval: timedelta | None = INTERVAL
) -> AsyncIterator[Setting]:
    async with open_sample(folder) as database, anyio.create_task_group() as tasks:
        found = [
            await add_account(database, f"account-{n}", oidc_credentials()) for n in range(count)
        ]
        directory = Directory(database)
        await directory.reload()
        here: Setting
        clock: Callable[[], datetime] = lambda: here.now  # noqa: E731  # comes later
        service = Service(directory=directory)
        cooldowns = Cooldowns(database, directory, known_quota=service.peek, clock=clock)
        health = service.health = AccountHealth(directory, service, cooldowns, clock=clock)
        checks = HealthChecks(
            directory,
            health,
            TokenSource(service),
            QuotaSource(service),
            tasks,
            interval=interval,
            random=Random(1),
            clock=clock,
        )
        here = Setting(database, directory, health, checks, service, found)
        yield here
        tasks.cancel_scope.cancel()


async def test_the_first_round_is_spread_over_its_whole_length(tmp_path: Path) -> None:
    async with setting(tmp_path, 50) as here:
        assert await here.due() == []
        per_second = []
        for _ in range(65):
            here.now += timedelta(seconds=1)
            per_second.append(len([what for _, what in await here.due() if what == "token"]))
        assert sum(per_second) >= 50
        assert max(per_second) <= 5
        assert len(here.service.asked) <= 10


async def test_no_more_than_a_few_run_at_once(tmp_path: Path) -> None:
    async with setting(tmp_path, 20) as here:
        await here.due()
        here.service.gate = anyio.Event()
        here.now += timedelta(seconds=70)
        await here.due()
        assert here.service.running == AT_ONCE
        here.service.gate.set()
        await here.settle()
        assert here.service.most == AT_ONCE
        assert len({account for account, _ in here.service.asked}) == 20


async def test_one_that_hangs_is_not_begun_again(tmp_path: Path) -> None:
    async with setting(tmp_path) as here:
        await here.due()
        here.service.gate = anyio.Event()
        for _ in range(5):
            here.now += timedelta(seconds=70)
            await here.due()
        assert here.service.running == 1
        here.service.gate.set()


async def test_a_quota_that_was_heard_lately_is_not_asked_for_again(tmp_path: Path) -> None:
    async with setting(tmp_path) as here:
        (account,) = here.accounts
        here.service.is_fresh_for.add(account.id)
        await here.due()
        here.now += timedelta(seconds=70)
        assert await here.due() == [(account.id, "token")]
        check = here.health.of(account).last_check
        assert check is not None
        assert (check.at, check.outcome) == (here.now, "answered")


async def test_an_account_in_trouble_is_asked_about_in_earnest(tmp_path: Path) -> None:
    async with setting(tmp_path) as here:
        (account,) = here.accounts
        here.service.is_fresh_for.add(account.id)
        for _ in range(3):
            here.health.failed(account, "m", UpstreamUnreachable("gone"))
        assert here.health.of(account).state == "failing"
        await here.due()
        here.now += timedelta(seconds=70)
        assert await here.due() == [(account.id, "token"), (account.id, "quota")]


async def test_a_refused_token_is_renewed(tmp_path: Path) -> None:
    async with setting(tmp_path) as here:
        (account,) = here.accounts
        here.health.failed(account, "m", AccountSignInFailed("no"))
        await here.due()
        here.now += timedelta(seconds=70)
        assert (await here.due())[0] == (account.id, "another token")


@pytest.mark.parametrize("state", ["disabled", "suspended"])
async def test_who_is_disabled_or_suspended_is_left_alone(tmp_path: Path, state: str) -> None:
    async with setting(tmp_path) as here:
        (account,) = here.accounts
        await here.due()
        if state == "suspended":
            here.health.failed(account, "m", AccountSuspended("no"))
        else:
            async with here.database.begin() as db:
                await set_account_enabled(db, account.id, enabled=False, now=NOW)
            await here.directory.reload()
        here.now += timedelta(seconds=70)
        assert await here.due() == []
        assert here.health.of(account).next_check_at is None


async def test_a_check_that_fails_says_why(tmp_path: Path) -> None:
    async with setting(tmp_path) as here:
        (account,) = here.accounts
        here.service.token_error = NoAccountAvailable("no token to be had")
        await here.due()
        here.now += timedelta(seconds=70)
        await here.due()
        check = here.health.of(account).last_check
        assert check is not None
        assert (check.outcome, check.message) == ("NoAccountAvailable", "no token to be had")


async def test_three_checks_that_reach_nobody_make_an_account_failing(tmp_path: Path) -> None:
    async with setting(tmp_path) as here:
        (account,) = here.accounts
        here.service.quota_error = UpstreamUnreachable("gone")
        states = []
        await here.due()
        for _ in range(3):
            here.now += timedelta(seconds=70)
            await here.due()
            states.append(here.health.of(account).state)
        assert states == ["active", "active", "failing"]


async def test_a_defect_ends_nothing_but_the_check(tmp_path: Path) -> None:
    async with setting(tmp_path) as here:
        (account,) = here.accounts
        here.service.directory = None  # so that handing out a token breaks
        await here.due()
        for _ in range(2):
            here.now += timedelta(seconds=70)
            assert await here.due() == [(account.id, "token")]


async def test_a_refused_token_that_may_yet_be_renewed_asks_nobody_to_sign_in(
    tmp_path: Path,
) -> None:
    async with setting(tmp_path) as here:
        (account,) = here.accounts
        here.health.failed(account, "m", AccountSignInFailed("no"))
        assert here.health.of(account).state == "sign_in_required"
        assert here.health.of(account).why == "token_refused"
        here.service.renewal = "The sign-in service does not answer."
        health = here.health.of(account)
        assert (health.state, health.why) == ("failing", None)
        told = "The sign-in service does not answer. It is tried again by itself."
        refusal = here.health.refusal(account.id)
        assert isinstance(refusal, NoAccountAvailable)
        assert (health.problem, str(refusal)) == (told, told)
        assert refusal.retry_after is not None


async def test_without_checks_a_request_that_is_stopped_has_the_token_tried_again_at_times(
    tmp_path: Path,
) -> None:
    async with setting(tmp_path, interval=None) as here:
        here.health.attach(here.checks, NoHistory())
        (account,) = here.accounts
        here.health.failed(account, "m", AccountSignInFailed("no"))
        asked = []
        for _ in range(4):
            assert isinstance(here.health.refusal(account.id), NoAccountAvailable)
            await here.settle()
            asked.append(len(here.service.asked))
            here.now += timedelta(seconds=40)
        assert asked == [0, 0, 2, 2]


class NoHistory:
    def since(self, account_id: str, state: str) -> datetime | None:
        return None

    def look_at(self, account_id: str) -> None:
        pass
