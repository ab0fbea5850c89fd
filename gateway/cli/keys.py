"""`kiro-gateway keys`: create and list; what changes a key has a file of its own."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from gateway.cli.commands import Command, LazyGroup
from gateway.cli.documents import key_document, names_by_id
from gateway.cli.expiry import parse_expiry
from gateway.cli.options import json_option, settings_options
from gateway.cli.output import print_json, print_table, short_time
from gateway.cli.store import with_store

if TYPE_CHECKING:
    from gateway.store.api_keys import ApiKey
    from gateway.store.database import Database


@click.group(
    examples=["kiro-gateway keys create laptop --account me"],
    cls=LazyGroup,
    commands_from={
        "create": "gateway.cli.keys:create",
        "list": "gateway.cli.keys:list_keys",
        "disable": "gateway.cli.key_changes:disable",
        "enable": "gateway.cli.key_changes:enable",
        "rotate": "gateway.cli.key_changes:rotate",
        "remove": "gateway.cli.key_changes:remove",
    },
)
def keys() -> None:
    """Make and manage the API keys that clients present.

    A running server notices changes within a second.
    """


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway keys create laptop --account me",
        "kiro-gateway keys create ci --account me --account you --failover --expires 30d",
        "kiro-gateway keys create intern --account me --requests-per-minute 20 --model auto",
    ],
)
@click.argument("name")
@click.option(
    "--account",
    "-a",
    "accounts",
    metavar="ACCOUNT",
    multiple=True,
    required=True,
    help="Account the key may use, by name or id; repeat it for more.",
)
@click.option(
    "--default", metavar="ACCOUNT", help="Account for /v1. [default: the first --account]"
)
@click.option("--expires", metavar="WHEN", help="30d, 12h, 2w, a date, or a time as in RFC 3339.")
@click.option(
    "--requests-per-minute",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Requests in any 60 seconds.",
)
@click.option(
    "--max-concurrent-requests",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Requests at once; a few more wait for a moment.",
)
@click.option(
    "--tokens-per-day",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Tokens, in and out, in any 24 hours.",
)
@click.option(
    "--credits-per-month",
    type=click.FloatRange(0, min_open=True),
    metavar="NUMBER",
    help="Credits in a calendar month of UTC.",
)
@click.option(
    "--model",
    "models",
    metavar="MODEL",
    multiple=True,
    help="Model it may use, by whatever name; repeat it for more. [default: all]",
)
@click.option("--suppress-reasoning", is_flag=True, help="Leave thinking out of its answers.")
@click.option(
    "--failover", is_flag=True, help="Use another of its accounts when the default one cannot."
)
@click.option("--notes", default="", metavar="TEXT", help="Anything worth remembering.")
@settings_options
@json_option
def create(
    name: str,
    accounts: tuple[str, ...],
    default: str | None,
    expires: str | None,
    requests_per_minute: int | None,
    max_concurrent_requests: int | None,
    tokens_per_day: int | None,
    credits_per_month: float | None,
    models: tuple[str, ...],
    config: str | None,
    db_path: str | None,
    notes: str,
    *,
    suppress_reasoning: bool,
    failover: bool,
    as_json: bool,
) -> None:
    """Make an API key and print it, this once: only its hash is kept.

    Limits are hard: a request beyond one is refused, and told when it would be let in.
    """
    now = datetime.now(UTC)
    expires_at = parse_expiry(expires, now) if expires else None

    async def work(database: "Database") -> tuple["ApiKey", str, dict[str, str]]:
        from gateway.store.accounts import list_accounts
        from gateway.store.api_keys import Limits, create_api_key

        async with database.begin() as db:
            key, secret = await create_api_key(
                db,
                name=name,
                allowed=accounts,
                default=default,
                suppress_reasoning=suppress_reasoning,
                failover=failover,
                expires_at=expires_at,
                notes=notes,
                limits=Limits(
                    requests_per_minute=requests_per_minute,
                    max_concurrent_requests=max_concurrent_requests,
                    tokens_per_day=tokens_per_day,
                    credits_per_month=credits_per_month,
                    allowed_models=models,
                ),
                now=now,
            )
            return key, secret, names_by_id(await list_accounts(db, database.secrets))

    key, secret, names = with_store(config, db_path, work)
    if as_json:
        print_json(key_document(key, names, secret=secret))
    else:
        click.echo(secret)
        click.echo(
            f'This is the API key "{key.name}" (id {key.id}). It is shown only now.', err=True
        )


@click.command(
    "list",
    cls=Command,
    examples=["kiro-gateway keys list --json"],
)
@settings_options
@json_option
def list_keys(config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """List the API keys; secrets are not kept, and so not shown."""

    async def work(database: "Database") -> tuple[tuple["ApiKey", ...], dict[str, str]]:
        from gateway.store.accounts import list_accounts
        from gateway.store.api_keys import list_api_keys

        async with database.connect() as db:
            return await list_api_keys(db), names_by_id(await list_accounts(db, database.secrets))

    found, names = with_store(config, db_path, work)
    if as_json:
        documents = [key_document(key, names) for key in found]
        print_json({"keys": documents, "total": len(documents), "next_cursor": None})
        return
    now = datetime.now(UTC)
    rows = [
        (
            key.name,
            key.id,
            key.key_prefix,
            _state(key, now),
            ",".join(names.get(one, one) for one in key.account_ids) or "-",
            short_time(key.expires_at, without="never"),
            short_time(key.last_used_at, without="never"),
        )
        for key in found
    ]
    print_table(("Name", "Id", "Key", "State", "Accounts", "Expires", "Last used"), rows)


def _state(key: "ApiKey", now: datetime) -> str:
    if not key.enabled:
        return "disabled"
    if key.expires_at is None:
        return "enabled"
    if key.expires_at <= now:
        return "expired"
    return "expires soon" if key.expires_at - now < timedelta(days=7) else "enabled"
