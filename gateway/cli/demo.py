"""`kiro-gateway demo`: the gateway and a simulated Kiro service in one process."""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command
from gateway.cli.scratch import scratch_folder
from gateway.errors import SettingsError

if TYPE_CHECKING:
    import socket

    from gateway.settings import Settings
    from gateway.store.secrets import SecretBox
    from gateway.web.services import Services

HOST = "127.0.0.1"
PORTS_TRIED = 50
MODEL = "claude-sonnet-4.5"
SMALL_MODEL = "claude-haiku-4.5"
ACCOUNT = "demo"


@click.command(cls=Command, examples=["kiro-gateway demo", "kiro-gateway demo --port 9000"])
@click.option(
    "--port",
    "-p",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; the next free one when it is taken.",
)
@click.option(
    "--log-level",
    "-l",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
)
@click.option(
    "--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True
)
def demo(port: int, log_level: str, log_format: str) -> None:
    """Try the gateway without a Kiro account: the service behind it is simulated.

    Database, account and API key live in a temporary folder and are gone when it ends. Settings
    files and the environment play no part.
    """
    import anyio

    from gateway.logs import configure_logging

    configure_logging(log_level, log_format)
    with scratch_folder("kiro-gateway-demo-") as folder:
        options = {"use_uvloop": sys.platform != "win32"}
        anyio.run(_run, folder, port, backend_options=options)


async def _run(folder: Path, port: int) -> None:
    from gateway.simulator.app import create_simulator
    from gateway.store.secrets import SecretBox, new_key, parse_keys
    from gateway.web.app import services_of
    from gateway.web.server import listen, running, running_gateway

    secrets = SecretBox(*parse_keys(new_key(), source="the demo"))
    # From the first moment on, so that a signal in the middle of the start also cleans up.
    async with AsyncExitStack() as stack:
        signals = await stack.enter_async_context(_ending_signals())
        sock = stack.enter_context(_listen_near(port))
        chosen = sock.getsockname()[1]
        simulator = running(create_simulator(), listen(HOST, 0))
        simulator_url = await stack.enter_async_context(simulator)
        settings = demo_settings(folder, chosen, simulator_url)
        api_key = await _fill(settings, secrets)
        gateway = running_gateway(settings, secrets, sock=sock)
        url, app = await stack.enter_async_context(gateway)
        if chosen != port:
            click.echo(f"Port {port} is taken; using {chosen}.")
        way_in = await _way_in(services_of(app), url)
        click.echo(greeting(url, simulator_url, api_key, way_in))
        await anext(signals)


def demo_settings(folder: Path, port: int, simulator_url: str) -> "Settings":
    """Give settings under which nothing leaves this machine and all files stay in `folder`."""
    from gateway.settings import ServerSettings, Settings, TenantSettings, UpstreamSettings

    # As with the real service, each region has hosts of its own; here they are paths.
    regional = simulator_url + "/{region}"
    return Settings(
        server=ServerSettings(host=HOST, port=port, drain_timeout_seconds=1),
        tenant=TenantSettings(db_path=str(folder / "kiro-gateway.db")),
        upstream=UpstreamSettings(
            runtime_url=regional,
            management_url=regional,
            oidc_url=regional,
            auth_url=regional,
            portal_url=simulator_url,
        ),
    )


async def _way_in(services: "Services", url: str) -> str:
    """Where the admin pages are and how to get in; nothing while they have not been built."""
    from gateway.web.admin.identity import ensure_admin_key, new_one_time_link

    if services.pages.document() is None:
        return ""
    key = await ensure_admin_key(services)
    link = await new_one_time_link(services, url)
    return f"""\
  Admin UI   {link}
             (signs in once; later with the admin key {key})
"""


def greeting(url: str, simulator_url: str, api_key: str, way_in: str = "") -> str:
    """Write what people paste: a curl line, and the set-up of Claude Code. Plain ASCII."""
    body = (
        f'{{"model":"{MODEL}","max_tokens":500,"stream":true,'
        '"messages":[{"role":"user","content":"Hello!"}]}'
    )
    return f"""\
Kiro Gateway demo. The Kiro service is simulated; Ctrl-C ends everything and leaves nothing behind.

  Gateway    {url}
{way_in}  API key    {api_key}
  Simulator  {simulator_url}

Ask something:

  curl -N {url}/v1/messages -H 'x-api-key: {api_key}' \
-H 'content-type: application/json' -d '{body}'

Claude Code:

  export ANTHROPIC_BASE_URL={url}
  export ANTHROPIC_AUTH_TOKEN={api_key}
  export ANTHROPIC_MODEL={MODEL}
  export ANTHROPIC_DEFAULT_HAIKU_MODEL={SMALL_MODEL}
  claude
"""


async def _fill(settings: "Settings", secrets: "SecretBox") -> str:
    """Put one account and one API key into the new database; gives the key."""
    from gateway.simulator.accounts import DEMO_ACCOUNTS, TOKEN_SECONDS
    from gateway.store.accounts import Credentials, create_account, save_credentials
    from gateway.store.api_keys import create_api_key
    from gateway.store.database import open_database

    known = next(account for account in DEMO_ACCOUNTS if account.auth_method == "social")
    now = datetime.now(UTC)
    async with open_database(settings.tenant.db_path, secrets) as database, database.begin() as db:
        account = await create_account(db, secrets, name=ACCOUNT, auth_region=known.region, now=now)
        await save_credentials(
            db,
            secrets,
            account.id,
            Credentials(
                access_token=known.access_token,
                refresh_token=known.refresh_token,
                expires_at=now + timedelta(seconds=TOKEN_SECONDS),
            ),
            auth_method=known.auth_method,
            profile_arn=known.profile_arn,
            expected_generation=None,
            now=now,
        )
        _, api_key = await create_api_key(db, name=ACCOUNT, allowed=[ACCOUNT], now=now)
    return api_key


def _listen_near(port: int) -> "socket.socket":
    from gateway.web.server import listen

    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        try:
            return listen(HOST, candidate)
        except SettingsError:
            continue
    raise SettingsError(f"No port from {port} on is free. Choose another with --port.")


@asynccontextmanager
async def _ending_signals() -> AsyncIterator[AsyncIterator[signal.Signals]]:
    """Yield the signals that end the demo; on Windows, Ctrl-C cancels it instead."""
    import anyio

    if sys.platform == "win32":
        yield _never()
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        yield signals


async def _never() -> AsyncIterator[signal.Signals]:
    import anyio

    await anyio.sleep_forever()
    yield signal.SIGINT
