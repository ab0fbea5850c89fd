"""`kiro-gateway keys`: disable, enable, rotate and remove."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command
from gateway.cli.documents import key_document, names_by_id
from gateway.cli.expiry import parse_overlap
from gateway.cli.options import json_option, settings_options
from gateway.cli.output import print_json, short_time
from gateway.cli.store import with_store

if TYPE_CHECKING:
    from gateway.store.api_keys import ApiKey
    from gateway.store.database import Database


@click.command(cls=Command, examples=["kiro-gateway keys disable laptop"])
@click.argument("key")
@settings_options
@json_option
def disable(key: str, config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Turn an API key away from now on; KEY is its id or its name."""
    _switch(key, config, db_path, enabled=False, as_json=as_json)


@click.command(cls=Command, examples=["kiro-gateway keys enable laptop"])
@click.argument("key")
@settings_options
@json_option
def enable(key: str, config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Let a disabled API key in again; KEY is its id or its name."""
    _switch(key, config, db_path, enabled=True, as_json=as_json)


def _switch(
    id_or_name: str, config: str | None, db_path: str | None, *, enabled: bool, as_json: bool
) -> None:
    now = datetime.now(UTC)

    async def work(database: "Database") -> tuple["ApiKey", dict[str, str]]:
        from gateway.store.accounts import list_accounts
        from gateway.store.api_keys import get_api_key, set_api_key_enabled

        async with database.begin() as db:
            key = await get_api_key(db, id_or_name)
            await set_api_key_enabled(db, key.id, enabled=enabled, now=now)
            names = names_by_id(await list_accounts(db, database.secrets))
            return await get_api_key(db, key.id), names

    key, names = with_store(config, db_path, work)
    if as_json:
        print_json(key_document(key, names))
    else:
        click.echo(f'API key "{key.name}" ({key.id}) is {"enabled" if enabled else "disabled"}.')


@click.command(
    cls=Command,
    examples=["kiro-gateway keys rotate laptop", "kiro-gateway keys rotate ci --overlap 1d"],
)
@click.argument("key")
@click.option(
    "--overlap",
    metavar="SPAN",
    default="0",
    help="How long the old secret is let in beside the new one: 1d, 12h, 2w. [default: not at all]",
)
@settings_options
@json_option
def rotate(
    key: str, overlap: str, config: str | None, db_path: str | None, *, as_json: bool
) -> None:
    """Give an API key a new secret and print it, this once; KEY is its id or its name.

    Accounts, limits and usage stay with the key.
    """
    now = datetime.now(UTC)
    span = parse_overlap(overlap)

    async def work(database: "Database") -> tuple["ApiKey", str, dict[str, str]]:
        from gateway.store.accounts import list_accounts
        from gateway.store.api_key_changes import rotate_api_key
        from gateway.store.api_keys import get_api_key

        async with database.begin() as db:
            found = await get_api_key(db, key)
            rotated, secret = await rotate_api_key(db, found.id, overlap=span, now=now)
            return rotated, secret, names_by_id(await list_accounts(db, database.secrets))

    rotated, secret, names = with_store(config, db_path, work)
    if as_json:
        print_json(key_document(rotated, names, secret=secret))
        return
    until = f"let in until {short_time(now + span)}" if span else "not let in any more"
    click.echo(secret)
    click.echo(
        f'This is the new secret of the API key "{rotated.name}" (id {rotated.id}). It is shown '
        f"only now. The old one is {until}.",
        err=True,
    )


@click.command(cls=Command, examples=["kiro-gateway keys remove laptop"])
@click.argument("key")
@settings_options
@json_option
def remove(key: str, config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Remove an API key for good; KEY is its id or its name. What it used stays on record."""
    now = datetime.now(UTC)

    async def work(database: "Database") -> "ApiKey":
        from gateway.store.api_key_changes import delete_api_key
        from gateway.store.api_keys import get_api_key

        async with database.begin() as db:
            found = await get_api_key(db, key)
            await delete_api_key(db, found.id, now=now)
            return found

    removed = with_store(config, db_path, work)
    if as_json:
        print_json({"deleted": True})
    else:
        click.echo(f'Removed API key "{removed.name}" ({removed.id}).')
