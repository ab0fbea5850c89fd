"""The store as the settings name it, opened for one command."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.cli.lean import load_sqlalchemy_without_orm
from gateway.cli.options import load

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.store.database import Database
    from gateway.store.secrets import SecretBox

Result = TypeVar("Result")

SECRET_VARIABLE = "KIRO_GATEWAY_SECRET_KEY"  # noqa: S105  # a name
SECRET_FILE = "secret.key"  # noqa: S105  # likewise


def secret_key_place(settings: "Settings") -> str:
    """Where the key for what is encrypted at rest is: an environment variable, or a file."""
    if os.environ.get(SECRET_VARIABLE, "").strip():
        return SECRET_VARIABLE
    return str(_key_file(settings))


def open_secret_box(settings: "Settings") -> "SecretBox":
    """Give the key for what is encrypted at rest: from the environment, or the file beside the DB.

    Raises:
        StoreError: there is a key, but it is unusable.
    """
    from gateway.store.secrets import open_secrets

    return open_secrets(os.environ.get(SECRET_VARIABLE), _key_file(settings))


def store_target(settings: "Settings") -> str:
    """What `open_database` opens: a `postgresql://` URL, or a SQLite file's path."""
    return settings.tenant.database_url or settings.tenant.db_path


def store_name(settings: "Settings") -> str:
    """The same, fit to be shown: a URL loses its user and password."""
    if settings.tenant.database_url is None:
        return settings.tenant.db_path
    from gateway.store.postgresql_server import describe

    return describe(settings.tenant.database_url)


def with_store(
    config: str | None, db_path: str | None, work: Callable[["Database"], Awaitable[Result]]
) -> Result:
    """Run `work` on the store that the settings and --db-path lead to, and give what it returns.

    Raises:
        SettingsError: the settings are wrong.
        StoreError: the database or its secret key cannot be used.
    """
    return run_on_store(load(config, {"tenant.db_path": db_path}).settings, work)


def run_on_store(settings: "Settings", work: Callable[["Database"], Awaitable[Result]]) -> Result:
    """As `with_store`, for a command that has loaded the settings itself."""
    import anyio

    load_sqlalchemy_without_orm()
    from gateway.store.database import open_database

    secrets = open_secret_box(settings)

    async def run() -> Result:
        async with open_database(store_target(settings), secrets) as database:
            return await work(database)

    return anyio.run(run)


def _key_file(settings: "Settings") -> Path:
    return Path(settings.tenant.db_path).expanduser().with_name(SECRET_FILE)
