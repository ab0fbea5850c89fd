"""`kiro-gateway service install|uninstall|status`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command, LazyGroup
from gateway.cli.options import json_option, load, settings_options

if TYPE_CHECKING:
    from gateway.service.service import Service, State

system_option = click.option(
    "--system", is_flag=True, help="The whole machine's service instead of your own (systemd)."
)
run_as_option = click.option(
    "--run-as", metavar="USER", help="With --system: whom it runs as. [default: who called sudo]"
)


@click.group(
    cls=LazyGroup,
    commands_from={
        "install": "gateway.cli.service:install",
        "uninstall": "gateway.cli.service:uninstall",
        "status": "gateway.cli.service:status",
    },
    examples=["kiro-gateway service install", "kiro-gateway service status"],
)
def service() -> None:
    """Keep the gateway running: systemd, launchd, or the task scheduler of Windows."""


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway service install",
        "kiro-gateway service install --system --run-as kiro",
    ],
)
@settings_options
@system_option
@run_as_option
@json_option
def install(
    config: str | None, db_path: str | None, run_as: str | None, *, system: bool, as_json: bool
) -> None:
    """Start the gateway now, and from now on by itself.

    It runs `serve` with the settings file given here, else with the one it finds itself. Variables
    of this terminal's environment are not passed on: put what they say into the file.
    """
    # Complains here rather than in a log.
    settings = load(config, {"tenant.db_path": db_path}).settings
    service = _service(system=system, run_as=run_as)
    service.install(_command(config, db_path), settings.server.drain_timeout_seconds)
    _tell(service, as_json=as_json)
    ignored = sorted(name for name in os.environ if name.startswith("KIRO_GATEWAY_"))
    if ignored:
        click.echo(f"Not passed on to it: {', '.join(ignored)}", err=True)
    if sys.platform == "linux" and not system:
        click.echo(
            "It ends when you log out, unless you say once: loginctl enable-linger", err=True
        )


@click.command(cls=Command, examples=["kiro-gateway service uninstall"])
@click.option("--if-installed", is_flag=True, help="It is fine if there is none.")
@settings_options
@system_option
@run_as_option
@json_option
def uninstall(
    config: str | None,
    db_path: str | None,
    run_as: str | None,
    *,
    if_installed: bool,
    system: bool,
    as_json: bool,
) -> int:
    """Stop the service and remove it. Accounts, keys and settings stay."""
    service = _service(system=system, run_as=run_as)
    was_there = service.place.exists()
    if was_there:
        service.uninstall()
    _tell(service, as_json=as_json)
    return 0 if was_there or if_installed else 1


@click.command(cls=Command, examples=["kiro-gateway service status --json"])
@settings_options
@system_option
@run_as_option
@json_option
def status(
    config: str | None, db_path: str | None, run_as: str | None, *, system: bool, as_json: bool
) -> int:
    """Say whether the service is there and runs. Exit code 0 if it runs, else 1."""
    return 0 if _tell(_service(system=system, run_as=run_as), as_json=as_json).running else 1


def _service(*, system: bool, run_as: str | None) -> "Service":
    from gateway.service.installed import own_service, system_service

    if not system:
        if run_as:
            raise click.UsageError("--run-as goes with --system.")
        return own_service(os.environ)
    user = run_as or os.environ.get("SUDO_USER")
    if not user:
        raise click.UsageError("Say whom the service runs as: --run-as USER.")
    return system_service(user)


def _tell(service: "Service", *, as_json: bool) -> "State":
    state = service.state()
    if as_json:
        from gateway.cli.output import print_json

        print_json(
            {
                "installed": state.installed,
                "running": state.running,
                "starts_by_itself": state.starts_by_itself,
                "since": state.since or None,
                "place": str(service.place),
                "logs": service.logs,
            }
        )
    elif not state.installed:
        click.echo("There is no service. Make one with: kiro-gateway service install")
    else:
        since = f" since {state.since}" if state.since and state.running else ""
        click.echo(f"The service {'runs' if state.running else 'does not run'}{since}.")
        if not state.starts_by_itself:
            click.echo("It does not start by itself. Install it again to change that.")
        click.echo(f"It is described in {service.place}")
        click.echo(f"Its log: {service.logs}")
    return state


def _command(config: str | None, db_path: str | None) -> list[str]:
    """What starts this very program."""
    if getattr(sys, "frozen", False):
        program = [str(Path(sys.executable).resolve())]
    else:
        program = [sys.executable, "-m", "gateway"]
    files = {"--config": config, "--db-path": db_path}
    flags = [(flag, str(Path(file).resolve())) for flag, file in files.items() if file]
    return [*program, "serve", *(word for flag in flags for word in flag)]
