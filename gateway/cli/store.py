"""The store as the settings name it, opened for one command."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.cli.options import load
from gateway.errors import StoreError

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.store.database import Database
    from gateway.store.secrets import SecretBox

Result = TypeVar("Result")

SECRET_VARIABLE = "KIRO_GATEWAY_SECRET_KEY"  # noqa: S105  # a name
SECRET_FILE = "secret.key"  # noqa: S105  # likewise


def open_secret_box(settings: "Settings") -> "SecretBox":
    """Give the key for what is encrypted at rest: from the environment, or the file beside the DB.

    Raises:
        StoreError: there is a key, but it is unusable.
    """
    from gateway.store.secrets import open_secrets

    beside = Path(settings.tenant.db_path).expanduser().with_name(SECRET_FILE)
    return open_secrets(os.environ.get(SECRET_VARIABLE), beside)


def with_store(
    config: str | None, db_path: str | None, work: Callable[["Database"], Awaitable[Result]]
) -> Result:
    """Run `work` on the store that the settings and --db-path lead to, and give what it returns.

    Raises:
        SettingsError: the settings are wrong.
        StoreError: the database or its secret key cannot be used.
    """
    import anyio

    from gateway.store.database import open_database

    settings = load(config, {"tenant.db_path": db_path}).settings
    if settings.tenant.database_url is not None:
        raise StoreError(
            "tenant.database_url: this version keeps its data in SQLite. Set tenant.db_path."
        )
    secrets = open_secret_box(settings)

    async def run() -> Result:
        async with open_database(settings.tenant.db_path, secrets) as database:
            return await work(database)

    return anyio.run(run)
