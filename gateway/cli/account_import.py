"""`kiro-gateway accounts import`."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.access import with_accounts
from gateway.cli.commands import Command
from gateway.cli.documents import account_document
from gateway.cli.options import home_folder, json_option, settings_options
from gateway.cli.output import print_json

if TYPE_CHECKING:
    from gateway.accounts.access import AccountAccess
    from gateway.settings import Settings
    from gateway.store.accounts import Account

PROFILE_LIMIT = 15.0  # seconds; a server finds it later


@click.command(
    "import",
    cls=Command,
    examples=[
        "kiro-gateway accounts import me",
        "kiro-gateway accounts import me --from ~/.local/share/kiro-cli/data.sqlite3",
    ],
)
@click.argument("name")
@click.option(
    "--from",
    "file",
    metavar="FILE",
    help="Database of kiro-cli, or token file of the Kiro IDE. [default: found by itself]",
)
@settings_options
@json_option
def import_account(
    name: str, file: str | None, config: str | None, db_path: str | None, *, as_json: bool
) -> None:
    """Copy the sign-in of kiro-cli or the Kiro IDE to an account, made when missing.

    The other program's files are only read.
    """
    now = datetime.now(UTC)
    # It is looked at again before the sign-in is given up, from wherever the server runs.
    path = Path(file).expanduser().absolute() if file else None

    async def work(access: "AccountAccess", settings: "Settings") -> "Account":
        from gateway.store.accounts import (
            create_account,
            find_account,
            get_account,
            save_credentials,
        )
        from gateway.upstream.signin.local_import import import_from

        database = access.directory.database
        imported = import_from(
            path,
            environ=os.environ,
            home=home_folder(os.environ),
            platform=sys.platform,
            now=now,
        )
        async with database.begin() as db:
            account = await find_account(db, database.secrets, name)
            if account is None:
                account = await create_account(
                    db, database.secrets, name=name, auth_region=imported.auth_region, now=now
                )
            await save_credentials(
                db,
                database.secrets,
                account.id,
                imported.credentials,
                auth_method=imported.auth_method,
                profile_arn=imported.profile_arn,
                auth_region=imported.auth_region,
                expected_generation=None,
                now=now,
            )
            account = await get_account(db, database.secrets, account.id)
        return await _with_profile(access, account)

    account = with_accounts(config, db_path, work)
    if as_json:
        print_json(account_document(account))
        return
    source = account.credentials.import_source if account.credentials else None
    click.echo(
        f'Account "{account.name}" is signed in by {account.auth_method} ({account.auth_region}), '
        f"copied from {source.path if source else file}."
    )


async def _with_profile(access: "AccountAccess", account: "Account") -> "Account":
    """The account with its profile, where that was not imported along and can be found now."""
    import anyio

    from gateway.errors import GatewayError

    await access.directory.reload()
    try:
        with anyio.move_on_after(PROFILE_LIMIT):
            return await access.profiles.discover(account)
    except GatewayError as exc:
        click.echo(f"kiro-gateway: warning: {exc}", err=True)
    return account
