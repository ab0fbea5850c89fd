"""`kiro-gateway db`: upgrade, backup and import."""

import os
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command, LazyGroup
from gateway.cli.options import json_option, load, settings_options
from gateway.cli.output import print_json
from gateway.cli.store import run_on_store, secret_key_place, store_name, store_target
from gateway.errors import InvalidRequest

if TYPE_CHECKING:
    from gateway.store.database import Database
    from gateway.store.go_import import Imported


@click.group(
    cls=LazyGroup,
    commands_from={
        "upgrade": "gateway.cli.db:upgrade",
        "backup": "gateway.cli.db:backup",
        "import": "gateway.cli.db:import_database",
    },
    examples=["kiro-gateway db backup ~/kiro-gateway-backup.db"],
)
def db() -> None:
    """Look after the database."""


@click.command(
    cls=Command,
    examples=["kiro-gateway db upgrade", "kiro-gateway db upgrade --config /etc/kiro-gateway.yaml"],
)
@settings_options
@json_option
def upgrade(config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Bring the database to the schema of this version, and make it where there is none.

    The gateway does so too when it starts; several that start together wait for the first.
    """
    import anyio

    from gateway.store.database import read_schema
    from gateway.store.tables import SCHEMA_REVISION

    async def nothing_more(_: "Database") -> None:
        """Opening it was all."""

    settings = load(config, {"tenant.db_path": db_path}).settings
    before = anyio.run(read_schema, store_target(settings))
    run_on_store(settings, nothing_more)
    name, after = store_name(settings), SCHEMA_REVISION
    if as_json:
        print_json({"database": name, "from": before, "to": after})
    elif before is None:
        click.echo(f"{name} is new; its schema is {after}.")
    elif before == after:
        click.echo(f"{name} is up to date; its schema is {after}.")
    else:
        click.echo(f"{name} was brought from schema {before} to {after}.")


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway db backup ~/kiro-gateway-backup.db",
        "kiro-gateway db backup /backups/kiro-gateway.db --force",
    ],
)
@click.argument("file")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@settings_options
@json_option
def backup(
    file: str, config: str | None, db_path: str | None, *, force: bool, as_json: bool
) -> None:
    """Copy the SQLite database to FILE as it is at one moment; the gateway may go on working.

    FILE is of use only with the secret key of the database. Keep the two together.
    """
    settings = load(config, {"tenant.db_path": db_path}).settings
    if settings.tenant.database_url is not None:
        raise click.ClickException(
            "The database is on a PostgreSQL server (tenant.database_url). Back it up with "
            "PostgreSQL's own pg_dump."
        )
    source, destination = Path(settings.tenant.db_path).expanduser(), Path(file).expanduser()
    if not source.is_file():
        raise click.ClickException(f"There is no database {source}.")
    _copy(source, destination, force=force)
    size = destination.stat().st_size
    place = secret_key_place(settings)
    if as_json:
        print_json({"file": str(destination), "bytes": size, "secret_key": place})
        return
    click.echo(f"Copied {source} to {destination} ({size} bytes).")
    click.echo(f"It can be opened only with the secret key in {place}.", err=True)


def _copy(source: Path, destination: Path, *, force: bool) -> None:
    """Copy beside the destination first, so that there never is half a backup in its place."""
    from gateway.store.sqlite_file import back_up

    if _is_same_file(source, destination):
        raise click.ClickException(f"{destination} is the database itself.")
    if not force:
        _claim(destination)
    draft = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}")
    try:
        back_up(source, draft)
        draft.replace(destination)
    except BaseException:
        draft.unlink(missing_ok=True)
        if not force:
            destination.unlink(missing_ok=True)
        raise


def _is_same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _claim(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise click.ClickException(f"{path} exists already; --force replaces it.") from None


@click.command(
    "import",
    cls=Command,
    examples=["kiro-gateway db import ~/kiro-gateway-old.db"],
)
@click.argument("old")
@settings_options
@json_option
def import_database(old: str, config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Take over accounts, sign-ins, API keys and usage from OLD, the Go program's database.

    OLD is only read. Clients keep their keys. Doing it again takes over what is new.
    """
    settings = load(config, {"tenant.db_path": db_path}).settings
    path = Path(old).expanduser()
    own = Path(settings.tenant.db_path).expanduser()
    if settings.tenant.database_url is None and _is_same_file(path, own):
        raise click.ClickException(
            f"{path} is where this gateway keeps its own data. Move it away first, such as to "
            f"{own.with_name('old.db')}, and import it from there."
        )
    now = datetime.now(UTC)

    async def work(database: "Database") -> "Imported":
        from gateway.store.go_import import import_go_database

        return await import_go_database(path, database, now=now, model_name=_served_model)

    imported = run_on_store(settings, work)
    if as_json:
        print_json(asdict(imported))
        return
    click.echo(
        f"Taken over: {_count(imported.accounts, 'account')} ({imported.signed_in} signed in), "
        f"{_count(imported.keys, 'API key')}, {_count(imported.usage, 'row')} of usage."
    )
    if imported.known_accounts or imported.known_keys:
        click.echo(
            f"There already: {_count(imported.known_accounts, 'account')}, "
            f"{_count(imported.known_keys, 'API key')}."
        )
    for note in imported.notes:
        click.echo(note)


def _served_model(name: str) -> str:
    """The service's name for what a client called a model, as far as that can be told."""
    from gateway.kiro.model_names import resolve

    try:
        return resolve(name, ()).id
    except InvalidRequest:
        return name


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
