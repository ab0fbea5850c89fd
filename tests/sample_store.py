"""Stores, accounts and credentials for tests that need some."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

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

BOX = SecretBox(b"k" * 32)
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
ARN = "arn:aws:codewhisperer:eu-central-1:111122223333:profile/EXAMPLEPROF1"


@asynccontextmanager
async def open_sample(folder: Path) -> AsyncIterator[Database]:
    async with open_database(folder / "store" / "gateway.db", BOX) as database:
        yield database


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
