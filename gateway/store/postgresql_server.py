"""PostgreSQL: connections by its own URL, options such as `sslmode` included."""

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.errors import StoreError

CONNECT_TIMEOUT = 10.0  # seconds
# One for each transaction that runs at once; ours are short.
POOL_SIZE, MORE_IN_A_RUSH = 5, 10

FAILURES: tuple[type[Exception], ...] = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What the driver raises outside of statements."""


def make_engine(url: str) -> AsyncEngine:
    """An engine for a server; nothing is connected yet."""

    async def connect() -> asyncpg.Connection:
        try:
            return await asyncpg.connect(
                url,
                timeout=CONNECT_TIMEOUT,
                server_settings={"application_name": "kiro-gateway", "timezone": "UTC"},
            )
        except ValueError as exc:
            if isinstance(exc, FAILURES):
                raise
            raise _no_url() from None  # its words may quote the password

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=POOL_SIZE,
        max_overflow=MORE_IN_A_RUSH,
        # After the server was restarted, the old connections are found out before they are used.
        pool_pre_ping=True,
    )


def describe(url: str) -> str:
    """Host, port and database, without the user and the password.

    Raises:
        StoreError: it is no URL.
    """
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError) as exc:
        raise _no_url() from exc
    host = parts.host or parts.query.get("host") or "localhost"
    return f"{host}{f':{parts.port}' if parts.port else ''}/{parts.database or ''}"


def _no_url() -> StoreError:
    return StoreError("tenant.database_url is no URL of a PostgreSQL database.")
