"""The application: services built in order, closed in reverse."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.accounts.access import open_accounts
from gateway.accounts.checks import HealthChecks
from gateway.accounts.health_history import HealthHistory
from gateway.notifications.notifier import Notifier
from gateway.relay.relay import Relay
from gateway.settings import Settings
from gateway.store.database import open_database
from gateway.store.limit_book import LimitBook
from gateway.store.retention import Retention, keep_tidy
from gateway.store.secrets import SecretBox
from gateway.store.usage import UsageWriter
from gateway.upstream.http import HttpClients
from gateway.web.edge import Edge
from gateway.web.keep_alive import KeepAlive
from gateway.web.metrics import Metrics
from gateway.web.services import Services
from gateway.web.sign_in import build_logins
from gateway.web.timing import USUAL, Timing

if TYPE_CHECKING:
    from gateway.notifications.observer import Observer


def create_app(settings: Settings, secrets: SecretBox, *, timing: Timing = USUAL) -> Starlette:
    """The ASGI application. Its lifespan opens the store and raises StoreError if it cannot.

    Args:
        settings: already resolved.
        secrets: the key for what is encrypted at rest.
        timing: waits that no setting is about.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.services = await _open_services(settings, secrets, stack, timing)
            yield

    app = GatewayApp(lifespan=lifespan)
    app.router.default = Edge(lambda: services_of(app))
    return app


class GatewayApp(Starlette):
    """Starlette without its middleware.

    `Edge` answers everything, errors too; what stood before it would only make each write dearer.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """The router alone."""
        return self.router


def services_of(app: Starlette) -> Services:
    """The services of a running application."""
    services: Services = app.state.services
    return services


async def _open_services(
    settings: Settings, secrets: SecretBox, stack: AsyncExitStack, timing: Timing
) -> Services:
    store = settings.tenant.database_url or settings.tenant.db_path
    database = await stack.enter_async_context(open_database(store, secrets))
    clients = HttpClients(settings.upstream.user_agent)
    stack.push_async_callback(clients.aclose)
    usage = UsageWriter(database)
    stack.push_async_callback(usage.aclose)
    limits = LimitBook(database)
    stack.push_async_callback(limits.aclose)

    # What runs beside the requests ends before what it works with.
    background = await stack.enter_async_context(anyio.create_task_group())
    stack.callback(background.cancel_scope.cancel)
    background.start_soon(usage.run, name="write usage")
    keep_alive = KeepAlive(timing.ping_interval, time.monotonic)
    background.start_soon(keep_alive.run, name="ping silent streams")
    background.start_soon(limits.run, name="write limits")
    background.start_soon(
        keep_tidy,
        database,
        Retention(
            usage_days=settings.tenant.usage_retention_days,
            request_log_days=settings.tenant.request_log_days,
        ),
        name="remove old rows",
    )

    accounts = await open_accounts(database, clients, settings.upstream, background)
    background.start_soon(accounts.directory.watch, name="watch the store")
    background.start_soon(accounts.health.cooldowns.run, name="write cool-downs")
    background.start_soon(accounts.health.cooldowns.watch, name="watch cool-downs")
    background.start_soon(accounts.tokens.keep_fresh, name="refresh tokens")
    if timing.upkeep_delay is not None and settings.defaults.health_check_enabled:
        upkeep = partial(accounts.upkeep().run, delay=timing.upkeep_delay)
        background.start_soon(upkeep, name="look after accounts")

    checks = HealthChecks(
        accounts.directory,
        accounts.health,
        accounts.tokens,
        accounts.quotas,
        background,
        interval=timedelta(seconds=settings.defaults.health_check_seconds)
        if settings.defaults.health_check_enabled
        else None,
    )
    history = HealthHistory(database, accounts.directory, accounts.health)
    await history.load()
    accounts.health.attach(checks, history)
    background.start_soon(checks.run, name="check accounts")
    background.start_soon(history.run, name="write the history of health")

    logins = build_logins(settings.upstream, database, accounts, clients, background, timing=timing)
    relay = Relay(
        accounts.tokens,
        accounts.models,
        accounts.service,
        settings.defaults,
        accounts.health,
        repair_profile=accounts.profiles.repair,
        sleep=timing.sleep,
    )

    def observer() -> "Observer":
        from gateway.notifications.observer import Observer  # noqa: PLC0415  # as `Notifier` says

        return Observer(
            database,
            accounts.directory,
            last_quota=accounts.quotas.peek,
            health_of=accounts.health.of,
        )

    notifier = Notifier(
        database,
        accounts.directory,
        observer,
        lambda url: clients.client_for(url, settings.upstream.proxy),
        settings.notifications,
        sleep=timing.sleep,
        first_look=timing.first_notifications,
    )
    background.start_soon(notifier.run, name="send notifications")
    return Services(
        settings=settings,
        database=database,
        directory=accounts.directory,
        tokens=accounts.tokens,
        profiles=accounts.profiles,
        models=accounts.models,
        quotas=accounts.quotas,
        health=accounts.health,
        relay=relay,
        logins=logins,
        usage=usage,
        limits=limits,
        keep_alive=keep_alive,
        metrics=Metrics(accounts.directory, accounts.health, accounts.models, accounts.quotas),
        notifier=notifier,
        timing=timing,
    )
