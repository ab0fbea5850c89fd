"""The application: services built in order, closed in reverse."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import anyio
from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.accounts.calls import call_signed_in
from gateway.accounts.directory import Directory
from gateway.accounts.profiles import ProfileRepair
from gateway.accounts.tokens import Tokens
from gateway.kiro.models import Model
from gateway.kiro.quota import Quota
from gateway.relay.relay import Relay
from gateway.settings import Settings
from gateway.store.database import open_database
from gateway.store.limit_book import LimitBook
from gateway.store.retention import Retention, keep_tidy
from gateway.store.secrets import SecretBox
from gateway.store.usage import UsageWriter
from gateway.upstream.cache import KeyedCache
from gateway.upstream.client import KiroService
from gateway.upstream.http import HttpClients
from gateway.upstream.models import fetch_models
from gateway.upstream.quota import fetch_quota
from gateway.upstream.signin.refresh import RefreshUrls
from gateway.web.edge import Edge
from gateway.web.keep_alive import KeepAlive
from gateway.web.metrics import Metrics
from gateway.web.services import Services
from gateway.web.timing import USUAL, Timing

MODELS_FRESH = 15 * 60.0  # seconds
MODELS_STALE = 24 * 3600.0  # seconds
QUOTA_FRESH = 5 * 60.0  # seconds
QUOTA_STALE = 3600.0  # seconds


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
    directory = Directory(database)
    await directory.reload()
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
    background.start_soon(directory.watch, name="watch the store")
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

    service = KiroService(clients, settings.upstream)
    tokens = Tokens(
        database,
        directory,
        clients.client_for,
        RefreshUrls(
            oidc=settings.upstream.oidc_url,
            auth=settings.upstream.auth_url,
            allowed_private_hosts=settings.upstream.allowed_private_hosts,
        ),
        background,
        proxy=settings.upstream.proxy,
    )

    background.start_soon(tokens.keep_fresh, name="refresh tokens")

    repair_profile = ProfileRepair(database, directory, service)
    signed_in = partial(call_signed_in, accounts=tokens, repair_profile=repair_profile)

    async def models_of_account(account_id: str) -> tuple[Model, ...]:
        return await signed_in(account_id, partial(fetch_models, service))

    async def quota_of_account(account_id: str) -> Quota:
        return await signed_in(account_id, partial(fetch_quota, service))

    models = KeyedCache(
        models_of_account,
        background,
        fresh=MODELS_FRESH,
        stale=MODELS_STALE,
        clock=time.monotonic,
    )
    quotas = KeyedCache(
        quota_of_account,
        background,
        fresh=QUOTA_FRESH,
        stale=QUOTA_STALE,
        clock=time.monotonic,
    )
    relay = Relay(
        tokens,
        models,
        service,
        settings.defaults,
        repair_profile=repair_profile,
        sleep=timing.sleep,
    )
    return Services(
        settings=settings,
        database=database,
        directory=directory,
        tokens=tokens,
        models=models,
        quotas=quotas,
        relay=relay,
        usage=usage,
        limits=limits,
        keep_alive=keep_alive,
        metrics=Metrics(directory, tokens, models, quotas),
        timing=timing,
    )
