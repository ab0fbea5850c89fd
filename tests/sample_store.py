"""Stores, accounts and credentials for tests that need some."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from sqlalchemy import select

from gateway.store.accounts import (
    Account,
    AuthMethod,
    Credentials,
    create_account,
    get_account,
    save_credentials,
)
from gateway.store.database import Database, open_database
from gateway.store.secrets import SecretBox
from gateway.store.tables import metadata
from tests.postgresql_server import Server
from tests.sqlite_template import put_database

BOX = SecretBox(b"k" * 32)
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
ARN = "arn:aws:codewhisperer:eu-central-1:111122223333:profile/EXAMPLEPROF1"


TEMPLATE = "sample_template"


@dataclass(slots=True)
class SampleServer:
    """A PostgreSQL server for samples; its databases are emptied and used again."""

    server: Server
    empty: list[str] = field(default_factory=list)
    in_use: dict[Path, str] = field(default_factory=dict)

    async def prepare(self) -> None:
        """Make the database that the others are copies of."""
        await self.server.create(TEMPLATE)
        async with open_database(self.server.url(TEMPLATE), BOX):
            pass

    async def target(self, folder: Path) -> str:
        """The URL of the database that stands for a folder."""
        if folder not in self.in_use:
            name = f"sample_{secrets.token_hex(6)}"
            if self.empty:
                name = self.empty.pop()
            else:
                await self.server.create(name, template=TEMPLATE)
            self.in_use.setdefault(folder, name)
        return self.server.url(self.in_use[folder])

    async def clean(self) -> None:
        """Empty what was used."""
        tables = ", ".join(metadata.tables)
        while self.in_use:
            _, name = self.in_use.popitem()
            connection = await asyncpg.connect(self.server.url(name))
            await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")
            await connection.execute("INSERT INTO store_revision VALUES (1, 0)")
            await connection.close()
            self.empty.append(name)


server: SampleServer | None = None
"""Where samples are; None: they are SQLite files."""


async def sample_target(folder: Path) -> str:
    """What `open_database` opens as the sample of a folder."""
    if server is None:
        path = folder / "store" / "gateway.db"
        await put_database(path)
        return str(path)
    return await server.target(folder)


@asynccontextmanager
async def open_sample(folder: Path) -> AsyncIterator[Database]:
    async with open_database(await sample_target(folder), BOX) as database:
        yield database


async def stored_text(database: Database) -> str:
    """Every value of every table, as text."""
    found = []
    async with database.connect() as db:
        for table in metadata.tables.values():
            found += [repr(tuple(row)) for row in await db.execute(select(table))]
    return "\n".join(found)


def oidc_credentials(
    *, access: str = "access-1", refresh: str | None = "refresh-1", lasts: float = 3600
) -> Credentials:
    """Of an organisation's account; `lasts` counts seconds from NOW."""
    return Credentials(
        access_token=access,
        refresh_token=refresh,
        expires_at=NOW + timedelta(seconds=lasts),
        client_id="client-1",
        client_secret="client-secret-1",
        start_url="https://example-org.awsapps.com/start",
    )


async def add_account(
    database: Database,
    name: str,
    credentials: Credentials | None = None,
    *,
    auth_method: AuthMethod = "idc",
    auth_region: str = "us-east-1",
    profile_arn: str | None = None,
) -> Account:
    """An account, signed in if credentials are given."""
    async with database.begin() as db:
        account = await create_account(
            db, database.secrets, name=name, auth_region=auth_region, now=NOW
        )
        if credentials is not None:
            await save_credentials(
                db,
                database.secrets,
                account.id,
                credentials,
                auth_method=auth_method,
                profile_arn=profile_arn,
                expected_generation=None,
                now=NOW,
            )
        return await get_account(db, database.secrets, account.id)
