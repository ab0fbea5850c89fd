"""Options that several commands share, and the settings they lead to."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.errors import SettingsError

if TYPE_CHECKING:
    from gateway.settings import LoadedSettings

Command = TypeVar("Command", bound=Callable[..., object])

CONFIG_VARIABLE = "KIRO_GATEWAY_CONFIG"
FILE_NAME = "config.yaml"

config_option = click.option(
    "--config",
    "-c",
    metavar="FILE",
    help=f"Settings file. [default: ${CONFIG_VARIABLE}, ./{FILE_NAME}, "
    f"~/.kiro-gateway/{FILE_NAME}]",
)
db_path_option = click.option(
    "--db-path", metavar="FILE", help="SQLite database. [default: tenant.db_path of the settings]"
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
)


def settings_options(command: Command) -> Command:
    """Add --config and --db-path, which lead to the settings and the database."""
    return config_option(db_path_option(command))


def home_folder(environ: Mapping[str, str]) -> Path:
    """Give the home directory of whoever runs this."""
    named = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(named) if named else Path.home()


def config_place(explicit: str | None, environ: Mapping[str, str]) -> Path | None:
    """Give the settings file to read, None when there is none.

    One that was asked for by name is given whether it exists or not.
    """
    if named := explicit or environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    places = (Path(FILE_NAME), home_folder(environ) / ".kiro-gateway" / FILE_NAME)
    return next((place for place in places if place.exists()), None)


def load(config: str | None, flags: Mapping[str, object], *, warn: bool = True) -> "LoadedSettings":
    """Load the settings of this process; warnings go to standard error, unless not wanted.

    Raises:
        SettingsError: the file cannot be read, or something in it or elsewhere is wrong.
    """
    from gateway.settings import resolve_settings

    place = config_place(config, os.environ)
    # An empty file is a file too: it must not count as none.
    text = (_read(place) or "\n") if place else ""
    loaded = resolve_settings(text, os.environ, flags, source=str(place))
    for warning in loaded.warnings if warn else ():
        click.echo(f"kiro-gateway: warning: {warning}", err=True)
    return loaded


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise SettingsError(f"settings file {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(f"settings file {path}: is not UTF-8 text") from exc
