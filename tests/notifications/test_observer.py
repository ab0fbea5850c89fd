"""Accounts and keys as notifications see them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from gateway.accounts.directory import Directory
from gateway.accounts.health_states import Health, State
from gateway.kiro.quota import Amount, Extra, Quota, parse_quota
from gateway.notifications.observation import AccountView, Condition, KeyUse, Observation
from gateway.notifications.observer import CONDITIONS, Observer
from gateway.store.api_keys import Limits, create_api_key, set_api_key_enabled
from gateway.store.database import Database
from gateway.store.limit_book import LimitBook
from gateway.store.limits import owner_of_key
from tests.notifications.seen import RESET
from tests.sample_store import NOW, add_account, oidc_credentials, open_sample

pytestmark = pytest.mark.anyio

QUOTA = replace(
    parse_quota(b"{}"),
    known=True,
    base=Amount(10, 100),
    trial=Extra(Amount(5, 50), "ACTIVE"),
    bonuses=(Extra(Amount(1, 7), "EXPIRED"),),
    resets_at=RESET,
)


async def look(
    database: Database, quota: Quota | None = None, health: Health | None = None
) -> Observation:
    directory = Directory(database)
    await directory.reload()
    observer = Observer(
        database,
        directory,
        last_quota=lambda _: quota,
        health_of=lambda _: health or Health("active"),
    )
    return await observer.look(NOW)


async def test_quotas_count_with_trial_and_active_bonuses(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        (account,) = (await look(database, QUOTA)).accounts
        assert (account.figures, account.resets_at) == (Amount(15, 150), RESET)
        (account,) = (await look(database, replace(QUOTA, known=False))).accounts
        assert account.figures is None
        (account,) = (await look(database)).accounts
        assert (account.figures, account.resets_at) == (None, None)


def test_every_state_of_an_account_means_something() -> None:
    assert set(CONDITIONS) == set(get_args(State))


@pytest.mark.parametrize(
    ("state", "signed_in_before", "condition"),
    [
        ("active", True, "fine"),
        ("cooling_down", True, "fine"),
        ("failing", True, "unclear"),
        ("sign_in_required", True, "login_needed"),
        ("not_signed_in", True, "login_needed"),
        ("not_signed_in", False, "fine"),  # nothing was lost
        ("suspended", True, "suspended"),
        ("quota_exhausted", True, "exhausted"),
    ],
)
async def test_health_is_told_as_a_condition(
    tmp_path: Path, state: State, signed_in_before: bool, condition: Condition
) -> None:
    until = NOW + timedelta(hours=3)
    async with open_sample(tmp_path) as database:
        await add_account(database, "work", oidc_credentials() if signed_in_before else None)
        seen = await look(database, health=Health(state, "Because.", until=until))
    (account,) = seen.accounts
    assert (account.condition, account.reason, account.until) == (condition, "Because.", until)


@pytest.mark.usefixtures("both_stores")
async def test_keys_are_seen_with_what_they_used_of_their_long_limits(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        async with database.begin() as db:
            limits = Limits(requests_per_minute=5, tokens_per_day=100, credits_per_month=10.0)
            key, _ = await create_api_key(
                db, name="laptop", allowed=["work"], limits=limits, now=NOW
            )
            await create_api_key(db, name="free", allowed=["work"], now=NOW)
            off, _ = await create_api_key(db, name="off", allowed=["work"], limits=limits, now=NOW)
            await set_api_key_enabled(db, off.id, enabled=False, now=NOW)
            await create_api_key(
                db,
                name="old",
                allowed=["work"],
                limits=limits,
                expires_at=NOW - timedelta(days=1),
                now=NOW - timedelta(days=9),
            )
        owner = owner_of_key(key)
        assert owner is not None
        book = LimitBook(database, clock=lambda: NOW)
        book.settle(await book.reserve(owner, tokens=10), tokens=83, cost=2.5)
        await book.flush()
        seen = await look(database)
    assert seen.keys == (
        KeyUse(key.id, "laptop", "tokens_per_day", 83, 100),
        KeyUse(key.id, "laptop", "credits_per_month", 2.5, 10.0, RESET),
    )
    (account,) = seen.accounts
    assert isinstance(account, AccountView)
    assert account.key_names == ("free", "laptop")
