"""`kiro-gateway config`: check, init and show."""

import os
from pathlib import Path

import click

from gateway.cli.commands import Command, LazyGroup
from gateway.cli.options import FILE_NAME, config_place, json_option, load, settings_options
from gateway.cli.output import print_json, print_table


@click.group(
    cls=LazyGroup,
    commands_from={
        "check": "gateway.cli.config:check",
        "init": "gateway.cli.config:init",
        "show": "gateway.cli.config:show",
    },
    examples=["kiro-gateway config init && kiro-gateway config check"],
)
def config() -> None:
    """Write, check and show the settings."""


@click.command(
    cls=Command, examples=["kiro-gateway config check --config /etc/kiro-gateway/config.yaml"]
)
@settings_options
@json_option
def check(config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Check the settings file and the environment, without starting anything.

    Exits with 2 when something is wrong, and says what, where, and what is allowed.
    """
    place = config_place(config, os.environ)
    loaded = load(config, {"tenant.db_path": db_path})
    if as_json:
        print_json({"ok": True, "file": str(place) if place else None, "warnings": loaded.warnings})
    elif place:
        click.echo(f"{place} is fine.")
    else:
        click.echo("There is no settings file; defaults and environment are fine.")


@click.command(
    cls=Command, examples=["kiro-gateway config init --config ~/.kiro-gateway/config.yaml"]
)
@settings_options
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
def init(config: str | None, db_path: str | None, *, force: bool) -> None:
    """Write a settings file with every key, its default and what it means.

    The file is ./config.yaml, or the one that --config names.
    """
    from gateway.settings.example import example_config

    path = Path(config or FILE_NAME).expanduser()
    text = example_config({"tenant.db_path": db_path} if db_path else None)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        # For its owner alone: it may come to hold the admin key.
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{path} exists already; --force replaces it.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    click.echo(f"Wrote {path}.")


@click.command(cls=Command, examples=["kiro-gateway config show --json"])
@settings_options
@json_option
def show(config: str | None, db_path: str | None, *, as_json: bool) -> None:
    """Show every setting in force and where its value comes from; secrets are hidden."""
    from gateway.settings.example import as_yaml, shown_settings

    loaded = load(config, {"tenant.db_path": db_path})
    shown = shown_settings(loaded)
    if as_json:
        print_json(
            {name: {"value": value, "from": loaded.origins[name]} for name, value in shown.items()}
        )
        return
    rows = [(name, as_yaml(value), loaded.origins[name]) for name, value in shown.items()]
    print_table(("Setting", "Value", "From"), rows)
