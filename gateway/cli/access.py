"""Accounts with valid tokens and the service they belong to, opened for one command."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gateway.cli.options import load
from gateway.cli.store import open_secret_box, store_target

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from gateway.accounts.access import AccountAccess
    from gateway.settings import Settings
    from gateway.store.database import Database
    from gateway.upstream.http import HttpClients

Result = TypeVar("Result")
Work = Callable[["AccountAccess", "Settings"], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that a command on accounts has, while it runs."""

    settings: "Settings"
    database: "Database"
    clients: "HttpClients"
    accounts: "AccountAccess"
    tasks: "TaskGroup"


def with_accounts(config: str | None, db_path: str | None, work: "Work[Result]") -> Result:
    """Run `work` on the accounts that the settings and --db-path lead to; gives what it returns.

    A running server is not in the way: of all processes one renews a token at a time.

    Raises:
        SettingsError: the settings are wrong.
        StoreError: the database or its secret key cannot be used.
        GatewayError: as `work`.
    """

    async def with_both(opened: Opened) -> "Result":
        return await work(opened.accounts, opened.settings)

    return with_everything(config, db_path, with_both)


def with_everything(
    config: str | None, db_path: str | None, work: Callable[[Opened], Awaitable[Result]]
) -> Result:
    """As `with_accounts`, for work that needs more."""
    import anyio

    settings = load(config, {"tenant.db_path": db_path}).settings
    speak_up_only_at_debug(settings)
    return anyio.run(_run, settings, work)


def speak_up_only_at_debug(settings: "Settings") -> None:
    """Keep the log of a command to itself: what goes wrong is its result, and told as that."""
    import structlog

    from gateway.logs import configure_logging

    debugging = settings.server.log_level == "debug"
    configure_logging("debug" if debugging else "error", settings.server.log_format)
    if not debugging:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def _run(settings: "Settings", work: Callable[[Opened], Awaitable[Result]]) -> Result:
    import anyio

    from gateway.accounts.access import open_accounts
    from gateway.errors import StoreError
    from gateway.store.database import open_database
    from gateway.upstream.http import HttpClients

    secrets = open_secret_box(settings)
    clients = HttpClients(settings.upstream.user_agent)
    results: list[Result] = []
    failure: Exception | None = None
    async with open_database(store_target(settings), secrets) as database:
        try:
            async with anyio.create_task_group() as tasks:
                accounts = await open_accounts(database, clients, settings.upstream, tasks)
                tasks.start_soon(accounts.health.cooldowns.run)
                try:
                    opened = Opened(settings, database, clients, accounts, tasks)
                    results.append(await work(opened))
                except Exception as exc:  # a task group would wrap it up
                    failure = exc
                # A quota with room in it, say, ends what was held against its account.
                with suppress(StoreError):
                    await accounts.health.cooldowns.flush()
                tasks.cancel_scope.cancel()
        finally:
            await clients.aclose()
    if failure is not None:
        raise failure
    return results[0]
