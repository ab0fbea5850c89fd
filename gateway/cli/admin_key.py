"""`kiro-gateway admin-key`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command, LazyGroup
from gateway.cli.options import json_option, load, settings_options
from gateway.cli.output import print_json
from gateway.cli.store import run_on_store

if TYPE_CHECKING:
    from gateway.store.database import Database


@click.group(
    "admin-key",
    cls=LazyGroup,
    commands_from={"reset": "gateway.cli.admin_key:reset"},
    examples=["kiro-gateway admin-key reset"],
)
def admin_key() -> None:
    """Manage the key that opens the admin API.

    A key that auth.admin_key sets is managed there.
    """


@click.command(
    cls=Command,
    examples=["kiro-gateway admin-key reset", "kiro-gateway admin-key reset --json"],
)
@settings_options
@json_option
def reset(config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Make another admin key and print it, this once: only its hash is kept.

    The old key opens nothing any more, and everybody who is signed in has to sign in again.
    """
    loaded = load(config, {"tenant.db_path": db_path})
    if loaded.settings.auth.admin_key is not None:
        raise click.ClickException(
            f"The admin key is the one in auth.admin_key ({loaded.origins['auth.admin_key']}). "
            "Change it there, or take it out first."
        )
    now = datetime.now(UTC)

    async def work(database: "Database") -> str:
        from gateway.store.admin import reset_admin_key

        async with database.begin() as db:
            return await reset_admin_key(db, now=now)

    key = run_on_store(loaded.settings, work)
    if as_json:
        print_json({"admin_key": key})
        return
    click.echo(key)
    click.echo(
        "This is the admin key. It is shown only now, and the old one opens nothing any more.",
        err=True,
    )
