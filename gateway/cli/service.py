"""`kiro-gateway service install|uninstall|status`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command, LazyGroup
from gateway.cli.options import config_option, json_option, load

if TYPE_CHECKING:
    from gateway.service.service import Service

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
        "sudo kiro-gateway service install --system --run-as kiro",
    ],
)
@config_option
@system_option
@run_as_option
def install(config: str | None, run_as: str | None, *, system: bool) -> None:
    """Start the gateway now, and from now on by itself.

    It runs `serve` with the settings file given here, else with the one it finds itself. Variables
    of this terminal's environment are not passed on: put what they say into the file.
    """
    load(config, {})  # complains here rather than in a log
    wanted = _service(system=system, run_as=run_as)
    wanted.install(_command(config))
    click.echo(f"The service runs. It is described in {wanted.place}")
    click.echo(f"Its log: {wanted.logs}")
    ignored = sorted(name for name in os.environ if name.startswith("KIRO_GATEWAY_"))
    if ignored:
        click.echo(f"Not passed on to it: {', '.join(ignored)}", err=True)
    if sys.platform == "linux" and not system:
        click.echo("It ends when you log out, unless you say once: loginctl enable-linger")


@click.command(cls=Command, examples=["kiro-gateway service uninstall"])
@click.option("--if-installed", is_flag=True, help="It is fine if there is none.")
@system_option
@run_as_option
def uninstall(run_as: str | None, *, if_installed: bool, system: bool) -> int:
    """Stop the service and remove it. Accounts, keys and settings stay."""
    wanted = _service(system=system, run_as=run_as)
    if not wanted.place.exists():
        click.echo("There is no service.", err=not if_installed)
        return 0 if if_installed else 1
    wanted.uninstall()
    click.echo("The service is stopped and removed.")
    return 0


@click.command(cls=Command, examples=["kiro-gateway service status --json"])
@system_option
@run_as_option
@json_option
def status(run_as: str | None, *, system: bool, as_json: bool) -> int:
    """Say whether the service is there and runs. Exit code 0 if it runs, else 1."""
    wanted = _service(system=system, run_as=run_as)
    state = wanted.state()
    if as_json:
        from gateway.cli.output import print_json

        print_json(
            {
                "installed": state.installed,
                "running": state.running,
                "starts_by_itself": state.starts_by_itself,
                "since": state.since or None,
                "place": str(wanted.place),
                "logs": wanted.logs,
            }
        )
    elif not state.installed:
        click.echo("There is no service. Make one with: kiro-gateway service install")
    else:
        since = f" since {state.since}" if state.since and state.running else ""
        click.echo(f"The service {'runs' if state.running else 'does not run'}{since}.")
        if not state.starts_by_itself:
            click.echo("It does not start by itself. Install it again to change that.")
        click.echo(f"Its log: {wanted.logs}")
    return 0 if state.running else 1


def _service(*, system: bool, run_as: str | None) -> "Service":
    from gateway.service.installed import own_service, system_service

    if run_as and not system:
        raise click.UsageError("--run-as goes with --system.")
    return system_service(run_as) if system else own_service()


def _command(config: str | None) -> list[str]:
    """What starts this very program."""
    if getattr(sys, "frozen", False):
        program = [str(Path(sys.executable).resolve())]
    else:
        program = [sys.executable, "-m", "gateway"]
    return [*program, "serve", *(["--config", str(Path(config).resolve())] if config else [])]
