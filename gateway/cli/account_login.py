"""`kiro-gateway accounts login`: signing in from a terminal, on any machine."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gateway.cli.access import Opened, with_everything
from gateway.cli.commands import Command
from gateway.cli.documents import account_document
from gateway.cli.login_talk import Talk
from gateway.cli.options import json_option, settings_options
from gateway.cli.output import print_json

if TYPE_CHECKING:
    from gateway.logins.login import Login
    from gateway.store.accounts import Account

EXIT_CODES = {"expired": 3, "denied": 4}


class SignInEnded(click.ClickException):
    """It did not go well; the exit code says how."""

    def __init__(self, login: "Login") -> None:
        super().__init__(login.message)
        self.exit_code = EXIT_CODES.get(login.why or "", 1)  # type: ignore[misc]  # click's way


@click.command(
    "login",
    cls=Command,
    examples=[
        "kiro-gateway accounts login me",
        "kiro-gateway accounts login me --method device",
        (
            "kiro-gateway accounts login me --start-url https://example.awsapps.com/start "
            "--region eu-west-1"
        ),
    ],
)
@click.argument("name")
@click.option(
    "--method",
    type=click.Choice(["portal", "device"]),
    help="portal: Kiro's page, for Google, GitHub and everything else. device: a code to confirm, "
    "for Builder ID and IAM Identity Center. [default: portal; device with --start-url]",
)
@click.option(
    "--start-url", metavar="URL", help="Of the organisation's IAM Identity Center, with device."
)
@click.option(
    "--region", metavar="REGION", help="Of the organisation's IAM Identity Center, with device."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where the browser comes back to, with portal. [default: a free one]",
)
@click.option(
    "--profile", metavar="NAME", help="Use this profile if there are several; or its ARN."
)
@settings_options
@json_option
def login(
    name: str,
    method: str | None,
    start_url: str | None,
    region: str | None,
    port: int | None,
    profile: str | None,
    config: str | None,
    db_path: str | None,
    *,
    as_json: bool,
) -> None:
    """Sign an account in, made when missing. Only the browser has to be somewhere with a screen.

    Prints the link to open. Where the browser ends on an address that it cannot open, paste that
    here. Ctrl-C cancels, and nothing has changed then. Exit codes: 0 signed in, 1 failed,
    2 wrong usage, 3 nobody finished it in time, 4 refused in the browser, 130 cancelled.
    """
    method = method or ("device" if start_url or region else "portal")
    if method == "portal" and (start_url or region):
        raise click.UsageError("--start-url and --region go with --method device.")
    if method == "device" and port:
        raise click.UsageError("--port goes with --method portal.")
    if region and not start_url:
        raise click.UsageError("--region goes with --start-url.")

    async def work(opened: Opened) -> "Account":
        from gateway.web.sign_in import build_logins

        logins = build_logins(
            opened.settings.upstream,
            opened.database,
            opened.accounts,
            opened.clients,
            opened.tasks,
        )
        account, is_new = await _account(opened, name, region)
        signed_in = False
        try:
            if method == "portal":
                begun = await logins.start_portal(account, port=port)
            else:
                begun = await logins.start_device(
                    account, start_url=start_url, region=region or account.auth_region
                )
            await Talk(begun, profile=profile).until_over()
            if begun.status != "completed":
                raise SignInEnded(begun)
            signed_in = True
        finally:
            if is_new and not signed_in:
                await _remove(opened, account)
        if not as_json:
            click.echo(begun.message)
        return opened.accounts.directory.account(account.id) or account

    account = with_everything(config, db_path, work)
    if as_json:
        print_json(account_document(account))


async def _account(opened: Opened, name: str, region: str | None) -> tuple["Account", bool]:
    """The account, and whether it was made just now."""
    from gateway.store.accounts import DEFAULT_REGION, create_account, find_account

    database = opened.database
    async with database.begin() as db:
        account = await find_account(db, database.secrets, name)
        if account is not None:
            return account, False
        account = await create_account(
            db,
            database.secrets,
            name=name,
            auth_region=region or DEFAULT_REGION,
            now=datetime.now(UTC),
        )
    await opened.accounts.directory.reload()
    return account, True


async def _remove(opened: Opened, account: "Account") -> None:
    """Take an account away again that nobody has come to sign in to, unless it is in use."""
    import anyio

    from gateway.errors import Conflict, NotFound
    from gateway.store.accounts import delete_account, get_account

    database = opened.database
    with anyio.move_on_after(5, shield=True):
        try:
            async with database.begin() as db:
                found = await get_account(db, database.secrets, account.id)
                if found.credentials is None:
                    await delete_account(db, account.id, now=datetime.now(UTC))
        except (NotFound, Conflict):
            return
