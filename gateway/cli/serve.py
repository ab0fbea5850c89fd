"""`kiro-gateway serve`."""

import os
import sys
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command
from gateway.cli.lean import load_sqlalchemy_without_orm, without, without_collecting
from gateway.cli.options import config_option, home_folder, load
from gateway.cli.store import open_secret_box

if TYPE_CHECKING:
    from gateway.web.services import Services


@click.command(
    cls=Command,
    examples=["kiro-gateway serve --port 9000 --log-format json"],
)
@click.option("--host", "-H", "server__host", metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", "-p", "server__port", metavar="PORT", help="Port to listen on.")
@click.option(
    "--log-level", "-l", "server__log_level", metavar="LEVEL", help="debug, info, warning or error."
)
@click.option("--log-format", "server__log_format", metavar="FORMAT", help="console or json.")
@click.option("--admin-key", "auth__admin_key", metavar="KEY", help="Key for /admin.")
@click.option(
    "--admin-local-only/--no-admin-local-only",
    "auth__admin_local_only",
    default=None,
    help="Answer /admin to this machine only.",
)
@click.option(
    "--no-health-check",
    is_flag=True,
    help="Look at accounts only when they are used.",
)
@click.option(
    "--health-check-interval",
    "defaults__health_check_seconds",
    metavar="SECONDS",
    help="Seconds between two looks at an account.",
)
@click.option(
    "--first-token-timeout",
    "defaults__first_token_timeout_seconds",
    metavar="SECONDS",
    help="How long one attempt may take to the first upstream event.",
)
@click.option(
    "--first-token-max-retries",
    "defaults__first_token_max_retries",
    metavar="NUMBER",
    help="Attempts after the first when no event came in time.",
)
@click.option(
    "--max-payload-bytes",
    "defaults__max_payload_bytes",
    metavar="SIZE",
    help="Largest body sent upstream, such as 600000 or 600KiB; 0 is no limit.",
)
@click.option(
    "--auto-trim-payload/--no-auto-trim-payload",
    "defaults__auto_trim_payload",
    default=None,
    help="Over that size, leave out the oldest rounds instead of refusing.",
)
@click.option("--db-path", "tenant__db_path", metavar="FILE", help="SQLite database.")
@click.option("--open", "-o", "open_browser", is_flag=True, help="Open the browser, signed in.")
@config_option
def serve(
    config: str | None, *, no_health_check: bool, open_browser: bool, **flags: object
) -> None:
    """Start the gateway.

    Flags win over the environment (KIRO_GATEWAY_SERVER_PORT and so on), the environment over the
    settings file.
    """
    wanted = {name.replace("__", "."): value for name, value in flags.items()}
    if no_health_check:
        wanted["defaults.health_check_enabled"] = False
    loaded = load(config, wanted)
    settings = loaded.settings
    with without_collecting(), without("rich", "httpx._main"):
        load_sqlalchemy_without_orm()
        from gateway.logs import configure_logging
        from gateway.upstream.signin.local_import import known_places
        from gateway.web.server import serve as run_server

    async def tell_admin(services: "Services", url: str) -> None:
        services.admin.setting_origins = dict(loaded.origins)
        services.admin.releases_url = os.environ.get("KIRO_GATEWAY_RELEASES_URL")
        services.admin.local_places = known_places(
            os.environ, home_folder(os.environ), sys.platform
        )
        await _let_in(services, url, open_browser=open_browser)

    configure_logging(settings.server.log_level, settings.server.log_format)
    run_server(settings, open_secret_box(settings), on_ready=tell_admin)


async def _let_in(services: "Services", url: str, *, open_browser: bool) -> None:
    """Hand whoever started the gateway what makes them its admin, past the log."""
    from gateway.web.admin.identity import ensure_admin_key, new_one_time_link

    if key := await ensure_admin_key(services):
        click.echo(
            f"The admin key, shown only now; kiro-gateway admin-key reset makes another:\n{key}",
            err=True,
        )
    # Where standard error goes into a file or a journal, others may read it in time.
    if sys.stderr.isatty():
        link = await new_one_time_link(services, url)
        click.echo(f"Sign in with this link, once and within ten minutes:\n{link}", err=True)
    if open_browser:
        _open_in_browser(await new_one_time_link(services, url))


def _open_in_browser(url: str) -> None:
    import threading
    import webbrowser

    # Some browsers keep the caller waiting until they are closed again.
    threading.Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()
