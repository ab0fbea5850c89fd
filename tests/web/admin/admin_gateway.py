"""A gateway on the simulator with an admin who has the key, for tests of the admin API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Any

import httpx
import msgspec

from gateway.settings import AuthSettings, MetricsSettings, NotificationSettings, Settings
from gateway.store.secrets import SecretBox, new_key, parse_keys
from gateway.web.admin.identity import ensure_admin_key
from gateway.web.app import services_of
from gateway.web.server import listen, running_gateway
from gateway.web.services import Services
from gateway.web.timing import USUAL, Timing
from tests.harness import Kiro, seed_store, settings_for
from tests.sqlite_template import put_database


@dataclass(slots=True)
class AdminGateway:
    """A running gateway; `admin_key` opens its admin API, `key` the clients' one."""

    url: str
    admin_key: str
    key: str
    services: Services
    http: httpx.AsyncClient

    async def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """Ask the admin API, with its key."""
        every = {"authorization": f"Bearer {self.admin_key}"}
        every |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, self.url + path, json=body, headers=every)

    async def get(self, path: str, **headers: str) -> Any:
        """What the admin API answers, with its key, to a GET that goes well."""
        answer = await self.call("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def anonymous(self, method: str, path: str, **headers: str) -> httpx.Response:
        """Ask without a key."""
        return await self.http.request(
            method,
            self.url + path,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


@asynccontextmanager
async def admin_gateway(
    kiro: Kiro,
    folder: Path,
    *,
    auth: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    server: Mapping[str, Any] | None = None,
    notifications: NotificationSettings | None = None,
    timing: Timing = USUAL,
    sock: socket | None = None,
    upkeep_delay: float | None = None,
) -> AsyncIterator[AdminGateway]:
    """A gateway with the simulator's accounts; its settings differ from the usual as told."""
    timing = replace(timing, upkeep_delay=upkeep_delay)
    settings = settings_with(folder, kiro.url, auth=auth, metrics=metrics, server=server)
    if notifications is not None:
        settings = msgspec.structs.replace(settings, notifications=notifications)
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
        admin_key = await ensure_admin_key(services) or settings.auth.admin_key
        assert admin_key is not None
        yield AdminGateway(url, admin_key, key, services, http)


def settings_with(
    folder: Path,
    upstream: str,
    *,
    auth: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    server: Mapping[str, Any] | None = None,
) -> Settings:
    """The usual settings of tests, with other sections."""
    return msgspec.structs.replace(
        settings_for(folder, upstream, **(server or {})),
        auth=AuthSettings(**(auth or {})),
        metrics=MetricsSettings(**(metrics or {})),
    )
