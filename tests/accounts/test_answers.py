"""What the service said of an account: remembered across restarts, processes and sign-ins."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest
from sqlalchemy import select, update

from gateway.accounts.answers import AccountAnswers, Heard
from gateway.accounts.directory import Directory
from gateway.errors import UpstreamInternal
from gateway.kiro.models import Model
from gateway.store.accounts import Account, delete_account, save_credentials
from gateway.store.database import Database
from gateway.store.tables import account_answers
from tests.sample_store import BOX, NOW, add_account, oidc_credentials, open_sample

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

Models = tuple[Model, ...]


@dataclass
class Process:
    """The answers as one process has them; `fetches` counts how often it asked."""

    database: Database
    directory: Directory
    answers: AccountAnswers[Models]
    fetches: int = 0
    failing: bool = False
    now: datetime = NOW

    async def fetch(self, account_id: str) -> Models:
        self.fetches += 1
        if self.failing:
            raise UpstreamInternal("down")
        return (Model(f"model-{self.fetches}", "A model", fields_schema=b'{"a":1}'),)


@asynccontextmanager
async def a_process(folder: Path, *, now: datetime = NOW) -> AsyncIterator[Process]:
    async with open_sample(folder) as database, anyio.create_task_group() as tasks:
        directory = Directory(database)
        await directory.reload()
        process: Process

        async def fetch(account_id: str) -> Models:
            return await process.fetch(account_id)

        answers = AccountAnswers(
            database,
            directory,
            tasks,
            kind="models",
            value_type=Models,
            fetch=fetch,
            fresh=60,
            stale=600,
            clock=lambda: process.now,
        )
        process = Process(database, directory, answers, now=now)
        await answers.load()
        yield process


async def an_account(process: Process) -> Account:
    account = await add_account(process.database, "work", oidc_credentials())
    await process.directory.reload()
    return account


async def sign_in_again(process: Process, account: Account) -> None:
    async with process.database.begin() as db:
        await save_credentials(
            db,
            BOX,
            account.id,
            oidc_credentials(access="another's"),
            auth_method="idc",
            profile_arn=None,
            expected_generation=None,
            now=process.now,
        )
    await process.directory.reload()


async def test_after_a_restart_the_last_answer_is_there_and_nobody_is_asked(
    tmp_path: Path,
) -> None:
    async with a_process(tmp_path) as first:
        account = await an_account(first)
        heard = await first.answers.get(account.id)
        assert heard == Heard((Model("model-1", "A model", fields_schema=b'{"a":1}'),), NOW)
    async with a_process(tmp_path, now=NOW + timedelta(seconds=59)) as second:
        assert second.answers.last(account.id) == heard
        assert await second.answers.get(account.id) == heard
        assert second.fetches == 0


async def test_an_old_answer_is_better_than_none_and_is_renewed(tmp_path: Path) -> None:
    async with a_process(tmp_path) as first:
        account = await an_account(first)
        heard = await first.answers.get(account.id)
    async with a_process(tmp_path, now=NOW + timedelta(hours=48)) as second:
        assert not second.answers.is_fresh(account.id)
        second.failing = True
        assert await second.answers.glance(account.id, patience=60) == heard.value
        second.failing = False
        with anyio.fail_after(10):
            await second.answers.refresh(account.id)
        assert second.answers.is_fresh(account.id)


async def test_what_another_process_has_just_heard_is_taken_over(tmp_path: Path) -> None:
    async with a_process(tmp_path) as one, a_process(tmp_path) as other:
        account = await an_account(one)
        await other.directory.reload()
        heard = await one.answers.get(account.id)
        assert await other.answers.get(account.id) == heard
        assert other.fetches == 0
        # Who wants it from the service gets it from there.
        assert (await other.answers.get(account.id, renew=True)).value != ()
        assert other.fetches == 1


async def test_an_answer_from_before_a_sign_in_is_nobodys(tmp_path: Path) -> None:
    async with a_process(tmp_path) as process:
        account = await an_account(process)
        await process.answers.get(account.id)
        process.now += timedelta(seconds=1)
        await sign_in_again(process, account)
        assert process.answers.last(account.id) is None
        assert [model.id for model in (await process.answers.get(account.id)).value] == ["model-2"]
    async with a_process(tmp_path, now=process.now) as restarted:
        assert restarted.answers.peek(account.id) == process.answers.peek(account.id)


async def test_an_answer_that_arrives_after_a_sign_in_is_nobodys_either(tmp_path: Path) -> None:
    async with a_process(tmp_path) as process:
        account = await an_account(process)
        plain = process.fetch

        async def fetch(account_id: str) -> Models:
            found = await plain(account_id)
            process.now += timedelta(seconds=1)
            await sign_in_again(process, account)
            return found

        process.fetch = fetch  # type: ignore[method-assign]  # this once
        await process.answers.refresh(account.id)
        assert process.answers.last(account.id) is None


async def test_an_answer_that_another_version_wrote_is_as_good_as_none(tmp_path: Path) -> None:
    async with a_process(tmp_path) as first:
        account = await an_account(first)
        await first.answers.get(account.id)
        async with first.database.begin() as db:
            await db.execute(update(account_answers).values(answer='{"other": true}'))
    async with a_process(tmp_path) as second:
        assert second.answers.last(account.id) is None
        assert (await second.answers.get(account.id)).value
        assert second.fetches == 1


async def test_answers_go_with_their_account(tmp_path: Path) -> None:
    async with a_process(tmp_path) as process:
        account = await an_account(process)
        await process.answers.get(account.id)
        async with process.database.begin() as db:
            await delete_account(db, account.id, now=NOW)
        await process.directory.reload()
        assert process.answers.last(account.id) is None
        # One that is on its way for an account that is gone is no defect.
        await process.answers.refresh(account.id)
        async with process.database.connect() as db:
            assert (await db.execute(select(account_answers))).all() == []
