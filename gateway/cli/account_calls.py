"""`kiro-gateway accounts refresh|quota|models|profile`: what the service says of accounts."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.access import with_accounts
from gateway.cli.commands import Command
from gateway.cli.options import json_option, settings_options
from gateway.cli.output import print_fields, print_json, print_table, short_time
from gateway.cli.quota_text import overview_rows, quota_fields

if TYPE_CHECKING:
    from gateway.accounts.access import AccountAccess
    from gateway.accounts.answers import AccountAnswers, Heard
    from gateway.settings import Settings
    from gateway.store.accounts import Account
    from gateway.web.admin.kiro import KiroModels, KiroProfiles, KiroStatus
    from gateway.web.quota_shapes import QuotaObject, QuotaOverview

Answer = TypeVar("Answer")

refresh_option = click.option(
    "--refresh", is_flag=True, help="Ask the service, however fresh the last answer is."
)


@click.command(cls=Command, examples=["kiro-gateway accounts refresh me"])
@click.argument("name")
@settings_options
@json_option
def refresh(name: str, config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Renew an account's token now, however long it would last; NAME may be its id."""

    async def work(access: "AccountAccess", settings: "Settings") -> "KiroStatus":
        from gateway.web.admin.kiro import status_object, usable

        account = await access.tokens.renew(usable(_named(access, name)).id)
        health = access.health.of(account)
        return status_object(account, health, settings.upstream, datetime.now(UTC))

    status = with_accounts(config, db_path, work)
    if as_json:
        print_json(status)
    elif isinstance(status.expires_at, datetime):
        until = short_time(status.expires_at)
        click.echo(f'The token of account "{status.account}" is new and good until {until}.')
    else:
        click.echo(f'Account "{status.account}" signs in with an API key, which does not expire.')


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway accounts quota",
        "kiro-gateway accounts quota me --refresh",
    ],
)
@click.argument("name", required=False)
@refresh_option
@settings_options
@json_option
def quota(
    name: str | None, config: str | None, db_path: str | None, *, refresh: bool, as_json: bool
) -> None:
    """Show how much of an account's quota is left; without NAME, of all enabled accounts.

    An answer that is a few minutes old is shown as it is, with its time. NAME may be an id.
    """
    if name is None:
        _show_overview(config, db_path, refresh=refresh, as_json=as_json)
        return

    async def work(access: "AccountAccess", settings: "Settings") -> "QuotaObject":
        from gateway.web.admin.kiro import usable
        from gateway.web.quota_shapes import quota_object

        account = usable(_named(access, name))
        heard = await _hear(access.quotas, account.id, refresh=refresh)
        return quota_object(_named(access, account.id), heard.value, heard.at)

    found = with_accounts(config, db_path, work)
    if as_json:
        print_json(found)
    else:
        print_fields(quota_fields(found))


def _show_overview(
    config: str | None, db_path: str | None, *, refresh: bool, as_json: bool
) -> None:
    async def work(access: "AccountAccess", settings: "Settings") -> "QuotaOverview":
        from gateway.web.admin.quotas import ask_all, what_is_known

        await ask_all(access.directory, access.quotas, renew=refresh)
        return what_is_known(access.directory, access.quotas)

    found = with_accounts(config, db_path, work)
    if as_json:
        print_json(found)
        return
    print_table(
        ("Account", "Plan", "Used", "Of", "Percent", "Left", "Resets", "As of"),
        overview_rows(found),
    )


@click.command(
    cls=Command,
    examples=["kiro-gateway accounts models me", "kiro-gateway accounts models me --json"],
)
@click.argument("name")
@refresh_option
@settings_options
@json_option
def models(
    name: str, config: str | None, db_path: str | None, *, refresh: bool, as_json: bool
) -> None:
    """List the models that an account may use, with their limits and rates; NAME may be its id."""

    async def work(access: "AccountAccess", settings: "Settings") -> "KiroModels":
        from gateway.web.admin.kiro import models_object, usable

        account = usable(_named(access, name))
        heard = await _hear(access.models, account.id, refresh=refresh)
        return models_object(account, heard.value, heard.at)

    found = with_accounts(config, db_path, work)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            model.model_id + (" (default)" if model.is_default else ""),
            _count(model.token_limits.max_input_tokens),
            _count(model.token_limits.max_output_tokens),
            "-" if model.rate_multiplier is None else f"{model.rate_multiplier:g}",
            ", ".join(model.supported_input_types).lower() or "-",
            model.model_name,
        )
        for model in found.models
    ]
    print_table(("Model", "Input tokens", "Output tokens", "Rate", "Takes", "Name"), rows)


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway accounts profile me",
        "kiro-gateway accounts profile me QDevProfile-eu",
    ],
)
@click.argument("name")
@click.argument("profile", required=False)
@settings_options
@json_option
def profile(
    name: str, profile: str | None, config: str | None, db_path: str | None, *, as_json: bool
) -> None:
    """List the profiles of an organisation's account, or choose one by its name or ARN.

    An account with one profile finds it by itself.
    """

    async def work(access: "AccountAccess", settings: "Settings") -> "KiroProfiles":
        from gateway.web.admin.kiro import profiles_object, usable

        account = usable(_named(access, name))
        available = await access.profiles.available(account.id)
        if profile is not None:
            account = await access.profiles.choose(account, profile, available)
        return profiles_object(account, available)

    found = with_accounts(config, db_path, work)
    if as_json:
        print_json(found)
    elif profile is not None:
        chosen = next(one for one in found.profiles if one.chosen)
        click.echo(
            f'Account "{found.account}" uses profile "{chosen.name or chosen.arn}" '
            f"in {chosen.region}."
        )
    else:
        rows = [
            ("*" if one.chosen else "", one.name or "-", one.region, one.arn)
            for one in found.profiles
        ]
        print_table(("", "Profile", "Region", "ARN"), rows)


def _named(access: "AccountAccess", name: str) -> "Account":
    from gateway.errors import NotFound

    directory = access.directory
    account = directory.account(name) or directory.account_named(name)
    if account is None:
        raise NotFound(f'There is no account "{name}".')
    return account


async def _hear(
    answers: "AccountAnswers[Answer]", account_id: str, *, refresh: bool
) -> "Heard[Answer]":
    """A fresh answer; an old one only where none is to be had and nobody insists."""
    from gateway.errors import GatewayError

    last = answers.last(account_id)
    if last is not None and answers.is_fresh(account_id) and not refresh:
        return last
    try:
        return await answers.get(account_id, renew=True)
    except GatewayError as exc:
        if last is None or refresh:
            raise
        click.echo(f"kiro-gateway: warning: this is an old answer: {exc}", err=True)
        return last


def _count(tokens: int | None) -> str:
    return "-" if tokens is None else f"{tokens:,}"
