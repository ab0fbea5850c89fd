"""`kiro-gateway accounts`: add, list and remove; the others have files of their own."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command, LazyGroup
from gateway.cli.documents import account_document
from gateway.cli.options import json_option, settings_options
from gateway.cli.output import print_json, print_table, short_time
from gateway.cli.store import with_store

if TYPE_CHECKING:
    from gateway.store.accounts import Account
    from gateway.store.api_keys import ApiKey
    from gateway.store.cooldowns import Cooldown
    from gateway.store.database import Database

MAX_API_KEY = 4096  # characters; real ones have fewer than a hundred


@click.group(
    cls=LazyGroup,
    commands_from={
        "add": "gateway.cli.accounts:add",
        "import": "gateway.cli.account_import:import_account",
        "login": "gateway.cli.account_login:login",
        "list": "gateway.cli.accounts:list_accounts",
        "refresh": "gateway.cli.account_calls:refresh",
        "quota": "gateway.cli.account_calls:quota",
        "models": "gateway.cli.account_calls:models",
        "profile": "gateway.cli.account_calls:profile",
        "enable": "gateway.cli.account_switch:enable",
        "disable": "gateway.cli.account_switch:disable",
        "remove": "gateway.cli.accounts:remove",
    },
    examples=[
        "kiro-gateway accounts login me",
        "kiro-gateway accounts import me",
        "kiro-gateway accounts quota",
    ],
)
def accounts() -> None:
    """Manage the Kiro accounts that serve requests.

    A running server notices changes within a second.
    """


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway accounts add me",
        "kiro-gateway accounts add ci --api-key-stdin < kiro-api-key.txt",
    ],
)
@click.argument("name")
@click.option("--region", metavar="REGION", help="Region of its sign-in. [default: us-east-1]")
@click.option(
    "--api-region", metavar="REGION", help="Region of its requests, if not its profile's own."
)
@click.option(
    "--api-key-stdin",
    is_flag=True,
    help="Read a Kiro API key from standard input; the account is then ready.",
)
@settings_options
@json_option
def add(
    name: str,
    region: str | None,
    api_region: str | None,
    config: str | None,
    db_path: str | None,
    *,
    api_key_stdin: bool,
    as_json: bool,
) -> None:
    """Add an account, to be signed in later or with a Kiro API key at once."""
    api_key = _read_api_key() if api_key_stdin else None
    now = datetime.now(UTC)

    async def work(database: "Database") -> "Account":
        from gateway.store.accounts import (
            DEFAULT_REGION,
            Credentials,
            create_account,
            get_account,
            save_credentials,
        )

        async with database.begin() as db:
            account = await create_account(
                db,
                database.secrets,
                name=name,
                auth_region=region or DEFAULT_REGION,
                api_region=api_region,
                now=now,
            )
            if api_key:
                await save_credentials(
                    db,
                    database.secrets,
                    account.id,
                    Credentials(api_key=api_key),
                    auth_method="api_key",
                    profile_arn=None,
                    expected_generation=None,
                    now=now,
                )
            return await get_account(db, database.secrets, account.id)

    account = with_store(config, db_path, work)
    if as_json:
        print_json(account_document(account))
    elif api_key:
        click.echo(f'Added account "{account.name}" with its API key.')
    else:
        click.echo(
            f'Added account "{account.name}", not signed in yet. '
            f"Next: kiro-gateway accounts login {account.name}"
        )


def _read_api_key() -> str:
    if sys.stdin.isatty():
        text = str(click.prompt("Kiro API key", hide_input=True, err=True))
    else:
        text = sys.stdin.read(MAX_API_KEY + 1)
    key = text.strip()
    if not key:
        raise click.UsageError("Standard input holds no Kiro API key.")
    if len(text) > MAX_API_KEY or not key.isascii() or len(key.split()) != 1:
        raise click.UsageError("Standard input holds something else than one Kiro API key.")
    return key


@click.command("list", cls=Command, examples=["kiro-gateway accounts list --json"])
@settings_options
@json_option
def list_accounts(config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """List the accounts and how each is signed in."""

    async def work(database: "Database") -> tuple[tuple["Account", ...], list["Cooldown"]]:
        from gateway.store import accounts as store
        from gateway.store.cooldowns import list_cooldowns

        async with database.connect() as db:
            return await store.list_accounts(db, database.secrets), await list_cooldowns(db)

    found, cooldowns = with_store(config, db_path, work)
    documents = [account_document(account, cooldowns) for account in found]
    if as_json:
        print_json({"accounts": documents, "total": len(documents), "next_cursor": None})
        return
    rows = [
        (
            account.name,
            account.id,
            document.health.state.replace("_", " "),
            account.auth_method or "not signed in",
            account.auth_region,
            account.api_region or "-",
            short_time(account.credentials.expires_at if account.credentials else None),
        )
        for account, document in zip(found, documents, strict=True)
    ]
    columns = ("Name", "Id", "State", "Signed in by", "Region", "API region", "Token until")
    print_table(columns, rows)


@click.command(
    cls=Command,
    examples=["kiro-gateway accounts remove me", "kiro-gateway accounts remove me --force"],
)
@click.argument("name")
@click.option("--force", is_flag=True, help="Also take it out of the API keys that use it.")
@settings_options
@json_option
def remove(
    name: str, config: str | None, db_path: str | None, *, force: bool, as_json: bool
) -> None:
    """Remove an account and its sign-in; NAME may be its id. What it served stays on record.

    Refused while API keys use it, unless --force is given: then it is taken out of their lists.
    """
    now = datetime.now(UTC)

    async def work(database: "Database") -> tuple[str, tuple["ApiKey", ...]]:
        from gateway.store.accounts import delete_account, get_account, keys_using
        from gateway.store.api_keys import get_api_key

        async with database.begin() as db:
            account = await get_account(db, database.secrets, name)
            using = await keys_using(db, account.id)
            if using and not force:
                raise click.ClickException(_still_used(account.name, using))
            await delete_account(db, account.id, force=force, now=now)
            return account.name, tuple([await get_api_key(db, key_id) for key_id, _ in using])

    removed, keys = with_store(config, db_path, work)
    if as_json:
        print_json({"deleted": True})
        return
    click.echo(f'Removed account "{removed}".')
    for key in keys:
        left = "" if key.account_ids else " and serves nobody: that was its only account"
        click.echo(f'API key "{key.name}" ({key.id}) does without it now{left}.')


def _still_used(name: str, using: Sequence[tuple[str, str]]) -> str:
    keys = [f"  {key_name} ({key_id})" for key_id, key_name in using]
    return "\n".join(
        [
            f'The account "{name}" is used by these API keys:',
            *keys,
            "--force takes it out of their lists and removes it.",
        ]
    )
