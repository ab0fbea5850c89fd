"""`kiro-gateway accounts`: enable and disable."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command
from gateway.cli.documents import account_document
from gateway.cli.options import json_option, settings_options
from gateway.cli.output import print_json
from gateway.cli.store import with_store

if TYPE_CHECKING:
    from gateway.store.accounts import Account
    from gateway.store.database import Database


@click.command(cls=Command, examples=["kiro-gateway accounts enable me"])
@click.argument("name")
@settings_options
@json_option
def enable(name: str, config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Let an account serve again, whatever was held against it; NAME may be its id.

    This ends a suspension, once its owner has settled that with Kiro's support, and every other
    time that the account sits out.
    """
    _switch(name, config, db_path, enabled=True, as_json=as_json)


@click.command(cls=Command, examples=["kiro-gateway accounts disable me"])
@click.argument("name")
@settings_options
@json_option
def disable(name: str, config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Have an account serve nobody; NAME may be its id."""
    _switch(name, config, db_path, enabled=False, as_json=as_json)


def _switch(
    name: str, config: str | None, db_path: str | None, *, enabled: bool, as_json: bool
) -> None:
    now = datetime.now(UTC)

    async def work(database: "Database") -> "Account":
        from gateway.store.accounts import get_account, set_account_enabled

        async with database.begin() as db:
            account = await get_account(db, database.secrets, name)
            await set_account_enabled(db, account.id, enabled=enabled, now=now)
            return await get_account(db, database.secrets, account.id)

    account = with_store(config, db_path, work)
    if as_json:
        print_json(account_document(account))
    else:
        click.echo(f'Account "{account.name}" is {"enabled" if enabled else "disabled"}.')
