"""`kiro-gateway update`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gateway import __version__
from gateway.cli.commands import Command
from gateway.cli.options import json_option, load, settings_options

if TYPE_CHECKING:
    from gateway.update.download import Progress
    from gateway.update.release import Release
    from gateway.update.versions import Version


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway update             to the newest release",
        "kiro-gateway update --check     only look whether there is one",
        "kiro-gateway update --rollback  back to the version before the last update",
    ],
)
@click.option("--check", is_flag=True, help="Say whether there is a newer release; change nothing.")
@click.option("--version", "wanted", metavar="VERSION", help="This version, such as v1.3.0-rc.1.")
@click.option("--rollback", is_flag=True, help="Back to the version before; again: forth.")
@click.option("--restart", is_flag=True, help="Restart the service afterwards, if it runs.")
@click.option("--allow-downgrade", is_flag=True, help="With --version: also to an older version.")
@settings_options
@json_option
def update(
    *,
    check: bool,
    wanted: str | None,
    rollback: bool,
    restart: bool,
    allow_downgrade: bool,
    config: str | None,
    db_path: str | None,
    as_json: bool,
) -> None:
    """Replace this program with the newest release.

    The release's signature and the download's checksum are verified before anything is touched, and
    the old program is kept beside the new one as kiro-gateway.previous. A running gateway goes on
    with the old version until it is restarted.
    """
    from gateway.errors import ServiceFailed

    if rollback and (check or wanted):
        raise click.UsageError("--rollback goes with neither --check nor --version.")
    if allow_downgrade and not wanted:
        raise click.UsageError("--allow-downgrade goes with --version.")
    if rollback:
        told = _roll_back()
    else:
        proxy = load(config, {"tenant.db_path": db_path}).settings.upstream.proxy
        told = _update(wanted, proxy, check=check, allow_downgrade=allow_downgrade)
    failure: ServiceFailed | None = None
    if told["changed"]:
        try:
            told["restarted"] = _restart_service(restart=restart)
        except ServiceFailed as exc:  # the update is made all the same, and has to be told
            told["restarted"], failure = False, exc
    _tell(told, as_json=as_json)
    if failure is not None:
        raise failure


def _tell(told: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        from gateway.cli.output import print_json

        print_json(told)
        return
    before, after = told["installed"], told["newest"]
    if told["changed"]:
        click.echo(f"Updated kiro-gateway from v{before} to v{after}.")
        if told["restarted"]:
            click.echo("The service was restarted.")
        else:
            click.echo("A running gateway goes on with the old version until it is restarted.")
    elif told["update_available"]:
        click.echo(f"v{after} is there; v{before} is installed. Run: kiro-gateway update")
    else:
        click.echo(f"kiro-gateway v{before} is up to date.")


def _roll_back() -> dict[str, object]:
    from gateway.update.installed import find_installed
    from gateway.update.replace import put_back, staging, version_of

    installed = find_installed()
    with staging(installed) as folder:
        put_back(installed, folder)
    return {
        "installed": __version__,
        "newest": str(version_of(installed.program)),
        "update_available": False,
        "changed": True,
    }


def _update(
    wanted: str | None, proxy: str | None, *, check: bool, allow_downgrade: bool
) -> dict[str, object]:
    import anyio

    from gateway.errors import UpdateFailed
    from gateway.update.installed import find_installed
    from gateway.update.versions import Version

    if not check:
        find_installed()  # what others installed stays, whatever there is to be had
    try:
        version = Version.parse(wanted) if wanted else None
    except ValueError as exc:
        raise click.UsageError(f"--version: {exc}.") from exc
    own = Version.parse(__version__)

    async def run() -> tuple["Release", bool]:
        from gateway.update.download import RELEASES, VARIABLE, ReleaseServer
        from gateway.update.release import this_system
        from gateway.upstream.http import HttpClients

        clients = HttpClients(f"kiro-gateway/{__version__}")
        try:
            server = ReleaseServer(
                clients,
                os.environ.get(VARIABLE) or RELEASES,
                proxy=proxy,
            )
            release = await server.find(version, this_system())
            if check or release.version == own:
                return release, False
            if release.version < own and not allow_downgrade:
                raise UpdateFailed(_why_not_older(own, release.version, chosen=version is not None))
            await _replace(server, release)
            return release, True
        finally:
            await clients.aclose()

    release, changed = anyio.run(run)
    return {
        "installed": str(own),
        "newest": str(release.version),
        "update_available": release.version > own and not changed,
        "changed": changed,
    }


def _why_not_older(own: "Version", other: "Version", *, chosen: bool) -> str:
    if not chosen:
        return f"The newest release is v{other}, and v{own} is installed. Nothing was changed."
    return (
        f"v{other} is older than v{own}, and may not read what that has stored. If this is what "
        "you want, add --allow-downgrade. Nothing was changed."
    )


async def _replace(server: object, release: "Release") -> None:
    import anyio.to_thread

    from gateway.errors import UpdateFailed
    from gateway.update.download import ReleaseServer
    from gateway.update.installed import find_installed
    from gateway.update.replace import put_in_place, staging, unpack, version_of

    assert isinstance(server, ReleaseServer)
    installed = find_installed()
    with staging(installed) as folder:
        archive = folder / "archive"
        with _progress(f"kiro-gateway v{release.version}") as progress:
            await server.fetch(release, archive, progress)
        program = await anyio.to_thread.run_sync(unpack, archive, release, folder)
        found = await anyio.to_thread.run_sync(version_of, program)
        if found != release.version:
            raise UpdateFailed(f"The program says that it is v{found}. Nothing was changed.")
        put_in_place(installed, program)


@contextmanager
def _progress(what: str) -> Iterator["Progress"]:
    if not sys.stderr.isatty():
        yield lambda have, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda have, total: bar.update(task, completed=have, total=total)


def _restart_service(*, restart: bool) -> bool:
    from gateway.service.installed import running_service

    service = running_service(os.environ)
    if service is None:
        return False
    if restart:
        service.restart()
        return True
    click.echo(f"The service runs; restart it with: {service.restart_command}", err=True)
    return False
