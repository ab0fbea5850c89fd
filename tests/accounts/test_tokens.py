import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.accounts.directory import Directory
from gateway.accounts.tokens import Tokens
from gateway.errors import AccountSignInFailed, NoAccountAvailable
from gateway.store.accounts import (
    Account,
    Credentials,
    ImportSource,
    get_account,
    save_credentials,
    set_account_enabled,
)
from gateway.store.database import Database
from gateway.upstream.http import HttpClients
from gateway.upstream.signin.refresh import RefreshUrls
from tests.sample_store import ARN, BOX, NOW, add_account, oidc_credentials, open_sample
from tests.sign_in_service import Answer, SignInService, sign_in_service, token_answer

pytestmark = pytest.mark.anyio

EXPIRED = oidc_credentials(lasts=-1)
REFUSED = Answer(400, {"error": "invalid_grant"})


@dataclass
class Setting:
    """A store, a sign-in service, and the tokens between them, at a time that stands still."""

    database: Database
    service: SignInService
    directory: Directory
    tokens: Tokens
    now: datetime = field(default=NOW)

    async def account(self, credentials: Credentials | None, name: str = "work") -> Account:
        account = await add_account(self.database, name, credentials)
        await self.directory.reload()
        return account

    async def stored(self, name: str = "work") -> Account:
        async with self.database.connect() as db:
            return await get_account(db, BOX, name)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Middle(Random):
    """Always in the middle: the jitter is thirty seconds."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@asynccontextmanager
async def a_setting(folder: Path, service: SignInService) -> AsyncIterator[Setting]:
    clients = HttpClients("kiro-gateway/test")
    try:
        async with open_sample(folder) as database, anyio.create_task_group() as tasks:
            setting: Setting
            directory = Directory(database)
            tokens = Tokens(
                database,
                directory,
                clients.client_for,
                RefreshUrls(oidc=service.url, auth=service.url),
                tasks,
                random=Middle(),
                clock=lambda: setting.now,
            )
            setting = Setting(database, service, directory, tokens)
            yield setting
    finally:
        await clients.aclose()


@pytest.fixture
async def service() -> AsyncIterator[SignInService]:
    async with sign_in_service() as running:
        yield running


@pytest.fixture
async def setting(tmp_path: Path, service: SignInService) -> AsyncIterator[Setting]:
    async with a_setting(tmp_path, service) as made:
        yield made


def access_token(account: Account) -> str | None:
    return account.credentials.access_token if account.credentials else None


async def settled(service: SignInService, requests: int) -> None:
    """Until the service has been asked so often."""
    with anyio.fail_after(10):
        while len(service.requests) < requests:
            await anyio.lowlevel.checkpoint()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def test_a_fresh_token_is_handed_out_without_asking(setting: Setting) -> None:
    account = await setting.account(oidc_credentials(lasts=331))
    assert await setting.tokens.get(account.id) == account
    assert setting.service.requests == []


async def test_an_expired_token_is_renewed_and_stored(setting: Setting) -> None:
    account = await setting.account(EXPIRED)
    setting.service.reply = lambda _: token_answer(2, profileArn=ARN)
    renewed = await setting.tokens.get(account.id)
    assert renewed.credentials == replace(
        EXPIRED,
        access_token="access-new-2",
        refresh_token="refresh-new-2",
        expires_at=NOW + timedelta(hours=1),
    )
    assert renewed.profile_arn == ARN
    assert renewed.generation == account.generation + 1
    assert await setting.stored() == renewed == setting.directory.account(account.id)


async def test_a_token_of_unknown_end_counts_as_expired(setting: Setting) -> None:
    account = await setting.account(replace(EXPIRED, expires_at=None))
    assert access_token(await setting.tokens.get(account.id)) == "access-new-1"


async def test_many_who_want_a_token_at_once_cause_one_renewal(setting: Setting) -> None:
    account = await setting.account(EXPIRED)
    setting.service.held = anyio.Event()
    got: list[str | None] = []

    async def want() -> None:
        got.append(access_token(await setting.tokens.get(account.id)))

    async with anyio.create_task_group() as tasks:
        for _ in range(40):
            tasks.start_soon(want)
        await setting.service.asked.wait()
        setting.service.held.set()
    assert got == ["access-new-1"] * 40
    assert len(setting.service.requests) == 1


async def test_nobody_waits_while_the_old_token_is_still_good(setting: Setting) -> None:
    account = await setting.account(oidc_credentials(lasts=329))
    setting.service.held = anyio.Event()
    for _ in range(3):
        assert await setting.tokens.get(account.id) == account
    await setting.service.asked.wait()
    assert await setting.tokens.get(account.id) == account
    setting.service.held.set()
    await until(lambda: setting.directory.account(account.id) != account)
    assert access_token(await setting.tokens.get(account.id)) == "access-new-1"
    assert len(setting.service.requests) == 1


async def test_one_accounts_renewal_does_not_hold_up_another(setting: Setting) -> None:
    slow = await setting.account(EXPIRED, "slow")
    other = await setting.account(oidc_credentials(), "other")
    setting.service.held = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(setting.tokens.get, slow.id)
        await setting.service.asked.wait()
        assert await setting.tokens.get(other.id) == other
        setting.service.held.set()


async def test_a_rotated_token_is_stored_before_anybody_uses_it(setting: Setting) -> None:
    account = await setting.account(EXPIRED)
    setting.service.held = anyio.Event()
    got: list[Account] = []

    async def want() -> None:
        got.append(await setting.tokens.get(account.id))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(want)
        await setting.service.asked.wait()
        async with setting.database.begin():
            # While this transaction is open nothing can be stored.
            setting.service.held.set()
            await until(lambda: setting.database._writing.statistics().tasks_waiting == 1)
            assert got == []
            assert setting.directory.account(account.id) == account
    assert len(setting.service.requests) == 1
    assert access_token(got[0]) == access_token(await setting.stored()) == "access-new-1"


async def test_a_client_that_hangs_up_neither_stops_nor_loses_the_renewal(
    setting: Setting,
) -> None:
    account = await setting.account(EXPIRED)
    setting.service.held = anyio.Event()
    async with anyio.create_task_group() as tasks:
        gone = anyio.CancelScope()

        async def hang_up() -> None:
            with gone:
                await setting.tokens.get(account.id)

        tasks.start_soon(hang_up)
        await setting.service.asked.wait()
        gone.cancel()
    setting.service.held.set()
    assert access_token(await setting.tokens.get(account.id)) == "access-new-1"
    assert len(setting.service.requests) == 1


async def test_a_shutdown_lets_a_renewal_finish_and_be_stored(
    tmp_path: Path, service: SignInService
) -> None:
    service.held = anyio.Event()
    clients = HttpClients("kiro-gateway/test")
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", oidc_credentials(lasts=60))
        directory = Directory(database)
        await directory.reload()
        urls = RefreshUrls(oidc=service.url, auth=service.url)
        async with anyio.create_task_group() as tasks:
            tokens = Tokens(database, directory, clients.client_for, urls, tasks, clock=lambda: NOW)
            await tokens.get(account.id)
            await service.asked.wait()
            tasks.cancel_scope.cancel()
            service.held.set()
        async with database.connect() as db:
            assert access_token(await get_account(db, BOX, "work")) == "access-new-1"
    await clients.aclose()


async def test_a_forced_renewal_replaces_a_token_that_looks_good(setting: Setting) -> None:
    account = await setting.account(oidc_credentials())
    renewed = await setting.tokens.get(account.id, rejected="access-1")
    assert access_token(renewed) == "access-new-1"


async def test_a_refused_token_that_is_not_the_current_one_forces_nothing(
    setting: Setting,
) -> None:
    account = await setting.account(oidc_credentials())
    assert await setting.tokens.get(account.id, rejected="access-0") == account
    assert setting.service.requests == []


async def test_many_whose_token_was_refused_cause_one_renewal(setting: Setting) -> None:
    account = await setting.account(oidc_credentials())
    got: list[str | None] = []

    async def want() -> None:
        renewed = await setting.tokens.get(account.id, rejected="access-1")
        got.append(access_token(renewed))

    async with anyio.create_task_group() as tasks:
        for _ in range(25):
            tasks.start_soon(want)
    await want()
    assert got == ["access-new-1"] * 26
    assert len(setting.service.requests) == 1


async def test_losing_the_race_for_a_rotated_token_is_no_reason_to_give_up(
    setting: Setting,
) -> None:
    account = await setting.account(EXPIRED)
    setting.service.held = anyio.Event()
    setting.service.reply = lambda _: REFUSED
    theirs = oidc_credentials(access="theirs", refresh="their-refresh")
    async with anyio.create_task_group() as tasks:
        got: list[Account] = []

        async def want() -> None:
            got.append(await setting.tokens.get(account.id))

        tasks.start_soon(want)
        await setting.service.asked.wait()
        async with setting.database.begin() as db:
            await save_credentials(
                db,
                BOX,
                account.id,
                theirs,
                auth_method="idc",
                profile_arn=None,
                expected_generation=account.generation,
                now=NOW,
            )
        setting.service.held.set()
    assert got[0].credentials == theirs


@pytest.mark.parametrize(
    "answer", [Answer(503), Answer(429), Answer(401)], ids=["503", "429", "401"]
)
async def test_while_renewing_fails_the_old_token_serves_to_its_end(
    setting: Setting, answer: Answer
) -> None:
    account = await setting.account(oidc_credentials(lasts=100))
    setting.service.reply = lambda _: answer
    with capture_logs() as logs:
        for _ in range(5):
            assert await setting.tokens.get(account.id) == account
            await until(lambda: len(logs) == 1)
    assert logs[0]["event"] == "token not renewed"
    assert len(setting.service.requests) == 1
    setting.later(99)
    assert await setting.tokens.get(account.id) == account
    setting.later(1)
    with pytest.raises(NoAccountAvailable):
        await setting.tokens.get(account.id)


async def test_failures_are_kept_apart_by_growing_pauses(setting: Setting) -> None:
    account = await setting.account(EXPIRED)
    setting.service.reply = lambda _: Answer(500)
    for pause in (2, 4, 8, 16, 32, 60, 60):
        asked = len(setting.service.requests)
        for _ in range(3):
            with pytest.raises(NoAccountAvailable, match="answered 500") as caught:
                await setting.tokens.get(account.id)
        assert len(setting.service.requests) == asked + 1
        assert caught.value.retry_after == pause
        assert setting.tokens.refused(account) is None
        setting.later(pause)
    setting.service.reply = lambda _: token_answer(2)
    assert access_token(await setting.tokens.get(account.id)) == "access-new-2"


@pytest.mark.parametrize(("asked", "waited"), [("45", 45), ("86400", 300)])
async def test_how_long_the_service_wants_to_be_left_alone_is_honoured_up_to_a_bound(
    setting: Setting, asked: str, waited: int
) -> None:
    account = await setting.account(EXPIRED)
    setting.service.reply = lambda _: Answer(429, {}, {"retry-after": asked})
    with pytest.raises(NoAccountAvailable) as caught:
        await setting.tokens.get(account.id)
    assert caught.value.retry_after == waited


async def test_a_refused_token_whose_renewal_gives_nothing_for_now_is_told_so(
    setting: Setting,
) -> None:
    account = await setting.account(oidc_credentials(lasts=3600))
    setting.service.held = anyio.Event()
    setting.service.reply = lambda _: Answer(503)
    assert setting.tokens.pending(account) is None
    async with anyio.create_task_group() as tasks:

        async def want() -> None:
            with pytest.raises(AccountSignInFailed):
                await setting.tokens.get(account.id, rejected=access_token(account))

        tasks.start_soon(want)
        await setting.service.asked.wait()
        assert "is being renewed, which takes long" in (setting.tokens.pending(account) or "")
        setting.service.held.set()
    assert "could not be renewed" in (setting.tokens.pending(account) or "")
    assert setting.tokens.refused(account) is None
    setting.later(60)
    setting.service.reply = lambda _: REFUSED
    await want()
    assert setting.tokens.pending(account) is None
    assert setting.tokens.refused(account) == "spent"


async def test_a_refused_refresh_token_ends_it_until_somebody_signs_in(setting: Setting) -> None:
    account = await setting.account(EXPIRED)
    setting.service.reply = lambda _: REFUSED
    for _ in range(3):
        with pytest.raises(NoAccountAvailable, match="kiro-gateway accounts login work") as caught:
            await setting.tokens.get(account.id)
        assert caught.value.retry_after is None
        setting.later(3600)
    assert len(setting.service.requests) == 1
    assert setting.tokens.refused(account) == "spent"
    again = oidc_credentials(access="signed-in-again", lasts=4 * 3600)
    async with setting.database.begin() as db:
        await save_credentials(
            db,
            BOX,
            account.id,
            again,
            auth_method="idc",
            profile_arn=None,
            expected_generation=None,
            now=NOW,
        )
    await setting.directory.reload()
    account = await setting.tokens.get(account.id)
    assert access_token(account) == "signed-in-again"
    assert setting.tokens.refused(account) is None


async def test_a_refusal_without_a_reason_counts_from_the_second_time(setting: Setting) -> None:
    account = await setting.account(EXPIRED)
    setting.service.reply = lambda _: Answer(403, {"message": "FAKE"})
    with pytest.raises(NoAccountAvailable) as caught:
        await setting.tokens.get(account.id)
    assert caught.value.retry_after == 60
    setting.later(60)
    with pytest.raises(NoAccountAvailable, match="has to be signed in again") as caught:
        await setting.tokens.get(account.id)
    assert caught.value.retry_after is None
    setting.later(3600)
    with pytest.raises(NoAccountAvailable):
        await setting.tokens.get(account.id)
    assert len(setting.service.requests) == 2


async def test_after_upstreams_refusal_a_failed_renewal_is_upstreams_error(
    setting: Setting,
) -> None:
    account = await setting.account(oidc_credentials())
    setting.service.reply = lambda _: Answer(500)
    with pytest.raises(AccountSignInFailed, match='account "work" could not be renewed'):
        await setting.tokens.get(account.id, rejected="access-1")


async def test_tokens_that_live_shorter_than_the_margin_are_not_renewed_for_every_request(
    setting: Setting,
) -> None:
    account = await setting.account(EXPIRED)
    setting.service.reply = lambda _: token_answer(2, expires_in=120)
    for _ in range(10):
        assert access_token(await setting.tokens.get(account.id)) == "access-new-2"
    assert len(setting.service.requests) == 1
    setting.later(31)
    await setting.tokens.get(account.id)
    await settled(setting.service, 2)


async def test_a_token_that_could_not_be_stored_is_stored_later_not_asked_for_again(
    setting: Setting,
) -> None:
    account = await setting.account(EXPIRED)
    setting.service.held = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def want() -> None:
            with pytest.raises(NoAccountAvailable, match="The database fails"):
                await setting.tokens.get(account.id)

        tasks.start_soon(want)
        await setting.service.asked.wait()
        async with setting.database.begin() as db:
            await db.exec_driver_sql("ALTER TABLE store_revision RENAME TO away")
        setting.service.held.set()
    assert setting.directory.account(account.id) == account
    async with setting.database.begin() as db:
        await db.exec_driver_sql("ALTER TABLE away RENAME TO store_revision")
    setting.later(2)
    assert access_token(await setting.tokens.get(account.id)) == "access-new-1"
    assert (await setting.stored()).generation == account.generation + 1
    assert len(setting.service.requests) == 1


async def test_an_api_key_is_never_renewed(setting: Setting) -> None:
    account = await add_account(
        setting.database, "ci", Credentials(api_key="ksk_1"), auth_method="api_key"
    )
    await setting.directory.reload()
    assert await setting.tokens.get(account.id) == account
    with pytest.raises(AccountSignInFailed, match='API key of account "ci"'):
        await setting.tokens.get(account.id, rejected="ksk_1")
    assert setting.service.requests == []


async def test_accounts_that_cannot_serve_are_named_with_what_to_do(setting: Setting) -> None:
    nobody = await setting.account(None, "empty")
    disabled = await setting.account(oidc_credentials(), "off")
    async with setting.database.begin() as db:
        await set_account_enabled(db, disabled.id, enabled=False, now=NOW)
    await setting.directory.reload()
    with pytest.raises(
        NoAccountAvailable, match=r'"empty" is not signed in.*accounts import empty'
    ):
        await setting.tokens.get(nobody.id)
    with pytest.raises(NoAccountAvailable, match=r'"off" is disabled\. Enable it'):
        await setting.tokens.get(disabled.id)
    with pytest.raises(NoAccountAvailable, match="has been removed"):
        await setting.tokens.get("0123456789abcdef")


async def test_after_a_night_a_few_are_renewed_at_a_time(setting: Setting) -> None:
    accounts = [await setting.account(EXPIRED, f"account-{number}") for number in range(12)]
    numbers = iter(range(100))
    setting.service.reply = lambda _: token_answer(next(numbers))
    setting.service.held = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(setting.tokens.keep_fresh)
        await settled(setting.service, 4)
        # One that is waited for is not kept behind the others.
        wanted = next(a for a in accounts if setting.directory.account(a.id) == a)
        tasks.start_soon(setting.tokens.get, wanted.id)
        await settled(setting.service, 4)
        assert len(setting.service.requests) <= 5
        setting.service.held.set()
        await until(lambda: all(setting.directory.account(a.id) != a for a in accounts))
        tasks.cancel_scope.cancel()
    assert len(setting.service.requests) == 12


async def test_who_asks_for_a_renewal_gets_one_whatever_is_known_against_it(
    setting: Setting,
) -> None:
    account = await setting.account(EXPIRED)
    setting.service.reply = lambda _: REFUSED
    for _ in range(2):
        with pytest.raises(NoAccountAvailable, match="has to be signed in again"):
            await setting.tokens.get(account.id)
    assert len(setting.service.requests) == 1
    numbers = iter([7, 8])
    setting.service.reply = lambda _: token_answer(next(numbers))
    assert access_token(await setting.tokens.renew(account.id)) == "access-new-7"
    assert access_token(await setting.tokens.renew(account.id)) == "access-new-8"
    assert len(setting.service.requests) == 3


async def test_a_renewal_that_fails_says_that_the_old_token_is_still_good(
    setting: Setting,
) -> None:
    account = await setting.account(oidc_credentials(lasts=1000))
    setting.service.reply = lambda _: Answer(503)
    with pytest.raises(AccountSignInFailed, match=r"answered 503.*The old token is good until"):
        await setting.tokens.renew(account.id)
    assert await setting.tokens.get(account.id) == account
    assert setting.tokens.trouble(account) is None


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([Answer(400, {"error": "invalid_grant"})], "over"),
        ([Answer(400, {"error": "invalid_client"})], "over"),
        ([Answer(400, {"error": "unauthorized_client"})], "over"),
        ([Answer(400, {"__type": "com.amazonaws.ssooidc#ExpiredTokenException"})], "over"),
        ([Answer(401, {"error": "invalid_client"})], "over"),
        ([Answer(400, {"error": "invalid_request"})], "over"),
        ([Answer(401)], "doubt"),
        ([Answer(403, {"message": "Forbidden"})], "doubt"),
        ([Answer(401), Answer(401)], "over"),
        ([Answer(403), Answer(200, {"expiresIn": 3600})], "over"),
        ([Answer(429)] * 4, "later"),
        ([Answer(400, {"error": "slow_down"})] * 4, "later"),
        ([Answer(500)] * 4, "later"),
        ([Answer(503, b"<html>")] * 4, "later"),
        ([Answer(200, {"expiresIn": 3600})], "doubt"),
        ([Answer(200, {"accessToken": ""})] * 2, "over"),
        ([Answer(401), Answer(500), Answer(429)], "later"),
    ],
)
async def test_failures_are_permanent_transient_or_unknown(
    setting: Setting, answers: list[Answer], outcome: str
) -> None:
    account = await setting.account(EXPIRED)
    left = iter(answers)
    setting.service.reply = lambda _: next(left)
    told: list[str] = []
    for _ in answers:
        with pytest.raises(NoAccountAvailable) as caught:
            await setting.tokens.get(account.id)
        told.append(str(caught.value))
        setting.later(61)
    assert len(setting.service.requests) == len(answers)
    over = ["has to be signed in again" in one for one in told]
    assert over == [False] * (len(answers) - 1) + [outcome == "over"]
    # What may be better next time is tried again, what is over is not.
    setting.service.reply = lambda _: token_answer(9)
    if outcome == "over":
        with pytest.raises(NoAccountAvailable, match="has to be signed in again"):
            await setting.tokens.get(account.id)
        assert len(setting.service.requests) == len(answers)
    else:
        assert access_token(await setting.tokens.get(account.id)) == "access-new-9"


async def test_without_a_refresh_token_nobody_is_asked(setting: Setting) -> None:
    account = await setting.account(replace(EXPIRED, refresh_token=None))
    with pytest.raises(NoAccountAvailable, match="has to be signed in again"):
        await setting.tokens.get(account.id)
    assert setting.service.requests == []


async def test_what_is_due_is_renewed_before_anybody_asks(setting: Setting) -> None:
    due = await setting.account(oidc_credentials(lasts=200), "due")
    fresh = await setting.account(oidc_credentials(), "fresh")
    await setting.account(None, "empty")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(setting.tokens.keep_fresh)
        await until(lambda: setting.directory.account(due.id) != due)
        tasks.cancel_scope.cancel()
    assert setting.directory.account(fresh.id) == fresh
    assert len(setting.service.requests) == 1


def write_cli_database(path: Path, **token: object) -> Path:
    row = {
        "access_token": "imported",
        "refresh_token": "imported-refresh",
        "expires_at": (NOW + timedelta(hours=1)).isoformat(),
        "profile_arn": ARN,
        **token,
    }
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE auth_kv (key TEXT, value TEXT)")
        connection.execute(
            "INSERT INTO auth_kv VALUES ('kirocli:social:token', ?)", (json.dumps(row),)
        )
        connection.commit()
    return path


async def imported_account(setting: Setting, path: Path) -> Account:
    credentials = Credentials(
        access_token="old",
        refresh_token="old-refresh",
        expires_at=NOW - timedelta(hours=1),
        import_source=ImportSource("kiro-cli", str(path)),
    )
    account = await add_account(
        setting.database, "work", credentials, auth_method="social", profile_arn=ARN
    )
    await setting.directory.reload()
    return account


async def test_before_giving_up_newer_credentials_are_looked_for_where_these_came_from(
    setting: Setting, tmp_path: Path
) -> None:
    account = await imported_account(setting, write_cli_database(tmp_path / "cli.sqlite3"))
    setting.service.reply = lambda _: REFUSED
    got = await setting.tokens.get(account.id)
    assert access_token(got) == "imported"
    assert await setting.stored() == got
    assert [asked.json["refreshToken"] for asked in setting.service.requests] == ["old-refresh"]


async def test_newer_credentials_that_have_expired_are_renewed(
    setting: Setting, tmp_path: Path
) -> None:
    written = (NOW - timedelta(minutes=5)).isoformat()
    path = write_cli_database(tmp_path / "cli.sqlite3", expires_at=written)
    account = await imported_account(setting, path)
    answers = [token_answer(5), REFUSED]
    setting.service.reply = lambda _: answers.pop()
    assert access_token(await setting.tokens.get(account.id)) == "access-new-5"
    assert [asked.json["refreshToken"] for asked in setting.service.requests] == [
        "old-refresh",
        "imported-refresh",
    ]


@pytest.mark.parametrize(
    "token",
    [
        {"access_token": "old", "refresh_token": "old-refresh"},
        {"profile_arn": ARN + "-of-somebody-else"},
        {"expires_at": (NOW - timedelta(hours=2)).isoformat()},
    ],
    ids=["the same", "another identity", "older"],
)
async def test_what_is_not_newer_at_the_source_does_not_help(
    setting: Setting, tmp_path: Path, token: dict[str, object]
) -> None:
    account = await imported_account(setting, write_cli_database(tmp_path / "cli.sqlite3", **token))
    setting.service.reply = lambda _: REFUSED
    with pytest.raises(NoAccountAvailable, match="has to be signed in again"):
        await setting.tokens.get(account.id)
    assert (await setting.stored()).generation == account.generation


async def test_a_source_that_is_gone_changes_nothing(setting: Setting, tmp_path: Path) -> None:
    account = await imported_account(setting, tmp_path / "gone.sqlite3")
    setting.service.reply = lambda _: REFUSED
    with pytest.raises(NoAccountAvailable, match="has to be signed in again"):
        await setting.tokens.get(account.id)


async def test_no_secret_is_logged_whatever_happens(setting: Setting) -> None:
    account = await setting.account(EXPIRED)
    echo = {"error": "invalid_grant", "error_description": "refresh-new-1 of client-secret-1"}
    answers = [
        Answer(400, echo),
        Answer(403, {"message": "access-new-1"}),
        token_answer(1, expires_in=20),
        Answer(500, b"refresh-1"),
    ]
    setting.service.reply = lambda _: answers.pop()
    with capture_logs() as logs:
        for _ in range(5):
            try:
                await setting.tokens.get(account.id)
            except NoAccountAvailable as exc:
                logs.append({"event": str(exc)})
            setting.later(61)
    written = repr(logs)
    assert "has to be signed in again" in written
    assert "token renewed" in written
    for secret in ("refresh-1", "access-1", "client-secret-1", "access-new", "refresh-new"):
        assert secret not in written
