"""A whole gateway on the simulator, over real sockets, for tests of two or more folders."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket
from typing import Any

import httpx
from starlette.applications import Starlette

from gateway.settings import DefaultsSettings, ServerSettings, Settings, TenantSettings
from gateway.settings import UpstreamSettings as Upstream
from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount
from gateway.simulator.app import create_simulator
from gateway.simulator.state import Simulator
from gateway.store.accounts import Credentials, create_account, save_credentials
from gateway.store.api_keys import create_api_key
from gateway.store.database import Database
from gateway.store.secrets import SecretBox, new_key, parse_keys
from gateway.web.app import services_of
from gateway.web.server import listen, running, running_gateway
from gateway.web.services import Services
from gateway.web.timing import USUAL, Timing
from tests.sqlite_template import put_database

ACCOUNTS = {account.name: account for account in DEMO_ACCOUNTS}


@dataclass(slots=True)
class Kiro:
    """The simulator: its address, its state, and its control API."""

    url: str
    state: Simulator
    http: httpx.AsyncClient

    async def control(self, method: str, path: str, order: object = None) -> Any:
        """Speak to the control API, e.g. `control("PUT", "/scenario", {"name": …})`."""
        answer = await self.http.request(method, f"{self.url}/_sim{path}", json=order)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def scenario(self, name: str, *, times: int | None = 1, **more: object) -> None:
        """Let the next `times` requests (None: all) meet a scenario."""
        await self.control("PUT", "/scenario", {"name": name, "times": times, **more})

    async def log(self, operation: str = "generate") -> list[Any]:
        """The requests so far, oldest first."""
        entries: list[Any] = (await self.control("GET", f"/log?operation={operation}"))["requests"]
        return entries


@dataclass(slots=True)
class Gateway:
    """A running gateway with one API key for all accounts; `social` is the default."""

    url: str
    key: str
    app: Starlette
    kiro: Kiro
    http: httpx.AsyncClient = field(repr=False)

    @property
    def services(self) -> Services:
        """What the routes work with."""
        return services_of(self.app)

    async def messages(
        self, text: str = "Hello", *, path: str = "/v1/messages", headers: Any = None, **more: Any
    ) -> httpx.Response:
        """POST an Anthropic request."""
        body = {"model": "claude-sonnet-4-5", "max_tokens": 1000, **more}
        body.setdefault("messages", [{"role": "user", "content": text}])
        return await self.post(path, body, headers)

    async def chat(
        self, text: str = "Hello", *, headers: Any = None, **more: Any
    ) -> httpx.Response:
        """POST an OpenAI request."""
        body = {"model": "claude-sonnet-4-5", **more}
        body.setdefault("messages", [{"role": "user", "content": text}])
        return await self.post("/v1/chat/completions", body, headers)

    async def post(
        self, path: str, body: object, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """POST JSON with the key."""
        every = {"x-api-key": self.key, **(headers or {})}
        return await self.http.post(self.url + path, json=body, headers=every)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET with the key."""
        every = {"x-api-key": self.key, **headers}
        return await self.http.get(self.url + path, headers=every)


def settings_for(
    folder: Path,
    upstream: str,
    defaults: Mapping[str, Any] | None = None,
    *,
    runtime_url: str | None = None,
    **server: Any,
) -> Settings:
    """Settings that reach no other host than `upstream`, or `runtime_url` for generation.

    As with the real service, each region has hosts of its own; the simulator's are paths.
    """
    regional = upstream + "/{region}"
    return Settings(
        server=ServerSettings(host="127.0.0.1", port=1, drain_timeout_seconds=5, **server),
        # Checks would ask the simulator at moments of their own.
        defaults=DefaultsSettings(**{"health_check_enabled": False, **(defaults or {})}),
        tenant=TenantSettings(db_path=str(folder / "gateway.db")),
        upstream=Upstream(
            runtime_url=runtime_url or regional,
            management_url=regional,
            oidc_url=regional,
            auth_url=regional,
            portal_url=upstream,
        ),
    )


@asynccontextmanager
async def running_kiro(*, seed: int = 0) -> AsyncIterator[Kiro]:
    """The simulator on a free port."""
    simulator = create_simulator(seed=seed)
    client = httpx.AsyncClient(timeout=30, verify=False)
    async with running(simulator, listen("127.0.0.1", 0)) as url, client as http:
        yield Kiro(url, simulator.state.simulator, http)


@asynccontextmanager
async def gateway_on(
    kiro: Kiro,
    folder: Path,
    defaults: Mapping[str, Any] | None = None,
    *,
    timing: Timing = USUAL,
    runtime_url: str | None = None,
    sock: socket | None = None,
    upkeep_delay: float | None = None,
    **server: Any,
) -> AsyncIterator[Gateway]:
    """A gateway in front of a running simulator, with all its accounts and one API key.

    It asks the service nothing by itself unless it is given an `upkeep_delay`.
    """
    timing = replace(timing, upkeep_delay=upkeep_delay)
    if upkeep_delay is not None:
        # The checks of accounts themselves are not what is looked at.
        checks = {"health_check_enabled": True, "health_check_seconds": 3600}
        defaults = {**checks, **(defaults or {})}
    settings = settings_for(folder, kiro.url, defaults, runtime_url=runtime_url, **server)
    secrets = SecretBox(*parse_keys(new_key(), source="test"))
    await put_database(folder / "gateway.db")
    sock = sock or listen("127.0.0.1", 0)
    async with (
        running_gateway(settings, secrets, sock=sock, timing=timing) as (url, app),
        httpx.AsyncClient(timeout=30, verify=False) as http,
    ):
        services = services_of(app)
        key = await seed_store(services.database, kiro.url)
        await services.directory.reload()
        yield Gateway(url, key, app, kiro, http)


async def seed_store(database: Database, kiro_url: str, *, default: str = "social") -> str:
    """Store the simulator's accounts and a key for all of them; returns the key's secret."""
    now = datetime.now(UTC)
    async with database.begin() as db:
        for account in DEMO_ACCOUNTS:
            row = await create_account(db, database.secrets, name=account.name, now=now)
            await save_credentials(
                db,
                database.secrets,
                row.id,
                credentials_of(account, kiro_url, now),
                auth_method=account.auth_method,
                profile_arn=account.profile_arn,
                auth_region=account.region,
                expected_generation=None,
                now=now,
            )
        names = [account.name for account in DEMO_ACCOUNTS]
        _, secret = await create_api_key(db, name="test", allowed=names, default=default, now=now)
    return secret


def credentials_of(account: DemoAccount, kiro_url: str, now: datetime) -> Credentials:
    """What a gateway account needs to be one of the simulator's."""
    if account.api_key is not None:
        return Credentials(api_key=account.api_key)
    external = account.auth_method == "external_idp"
    return Credentials(
        access_token=account.access_token,
        refresh_token=account.refresh_token,
        expires_at=now + timedelta(hours=1),
        client_id=account.client_id,
        client_secret=account.client_secret,
        token_endpoint=kiro_url + account.token_endpoint if external else None,
        refresh_scope=" ".join(account.scopes) if external else None,
    )
