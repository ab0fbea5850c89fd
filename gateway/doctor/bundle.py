"""A report to hand to somebody else: what was found, without anything that is nobody's business."""

import platform
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.doctor.findings import Report
from gateway.doctor.installation import Installation
from gateway.doctor.storage import check_storage
from gateway.errors import StoreError
from gateway.redact import HIDDEN, redact_bare
from gateway.settings.example import shown_settings
from gateway.store.accounts import Account, list_accounts
from gateway.store.database import open_database
from gateway.store.tables import usage_records

PACKAGES = ("httpx", "aiohttp", "starlette", "uvicorn", "sqlalchemy", "aiosqlite", "asyncpg")
FAILURES = 50  # the last ones of the request log
SHORTEST = 4  # characters; what is shorter says nothing, and would be found everywhere

_ARN = re.compile(r"\barn:[a-z-]+:[a-z-]+:[a-z0-9-]*:\d{12}:[\w/.:-]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_AWS_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_START_URL = re.compile(r"https?://[\w.-]+\.awsapps\.com[^\s\"]*")
# Long and with a digit in it: no word, no name of a setting, no path.
_OPAQUE = re.compile(r"(?<![\w+=-])(?=[A-Za-z_+=-]*\d)[\w+=-]{40,}")


async def bundle_of(report: Report, installation: Installation, home: str) -> bytes:
    """The report, the settings and the last failures as JSON, fit to be shown to strangers.

    Names of accounts, keys and models stay, or nobody could tell what belongs together. Everything
    that is stored of sign-ins is hidden wherever it turns up, and so is what looks like it; `home`
    becomes `~`.
    """
    accounts, failures = await _stored(installation)
    told = {
        "report": report,
        "machine": dict(_machine()),
        "settings": dict(_settings(installation)),
        "accounts": [_described(account) for account in accounts],
        "last_failures": failures,
    }
    text = msgspec.json.format(msgspec.json.encode(told, enc_hook=str), indent=2).decode()
    secrets = {*_secrets_of(installation), *(s for one in accounts for s in _secrets_in(one))}
    return (scrub(text, secrets, home) + "\n").encode()


def scrub(text: str, secrets: Iterable[str], home: str = "") -> str:
    """Hide these secrets, what looks like one, and people: e-mail addresses, ARNs, home folders."""
    for secret in sorted(secrets, key=len, reverse=True):
        # Inside JSON some characters are written otherwise.
        for written in {secret, msgspec.json.encode(secret).decode()[1:-1]}:
            text = text.replace(written, HIDDEN)
    text = redact_bare(text)
    text = _ARN.sub("arn:***", text)
    text = _START_URL.sub("https://***.awsapps.com", text)
    text = _EMAIL.sub(HIDDEN, text)
    text = _AWS_ACCOUNT.sub(HIDDEN, text)
    text = _OPAQUE.sub(HIDDEN, text)
    return text.replace(home, "~") if len(home) >= SHORTEST else text


def _machine() -> Iterator[tuple[str, object]]:
    yield "python", sys.version.split()[0]
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    yield "one_file", bool(getattr(sys, "frozen", False))
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, None


def _settings(installation: Installation) -> Iterator[tuple[str, object]]:
    if installation.loaded is None:
        return
    for name, value in shown_settings(installation.loaded).items():
        yield name, {"value": value, "from": installation.loaded.origins[name]}


def _described(account: Account) -> dict[str, object]:
    credentials = account.credentials
    return {
        "name": account.name,
        "enabled": account.enabled,
        "auth_method": account.auth_method,
        "auth_region": account.auth_region,
        "api_region": account.api_region,
        "has_profile": account.profile_arn is not None,
        "has_proxy": account.proxy is not None,
        "has_refresh_token": bool(credentials and credentials.refresh_token),
        "expires_at": credentials.expires_at if credentials else None,
        "client_expires_at": credentials.client_expires_at if credentials else None,
        "imported_from": credentials.import_source.kind
        if credentials and credentials.import_source
        else None,
        "subscription": account.subscription,
        "generation": account.generation,
        "signed_in_at": account.signed_in_at,
    }


async def _stored(
    installation: Installation,
) -> tuple[tuple[Account, ...], list[dict[str, object]]]:
    """Accounts and failed requests; none where the database cannot be opened."""
    try:
        storage = await check_storage(installation)
        if storage.secrets is None:
            return (), []
        async with (
            open_database(installation.database, storage.secrets) as database,
            database.connect() as db,
        ):
            return await list_accounts(db, database.secrets), await _last_failures(db)
    except StoreError:
        return (), []


async def _last_failures(db: AsyncConnection) -> list[dict[str, object]]:
    columns = usage_records.c
    shown = (
        columns.at,
        columns.route,
        columns.account_id,
        columns.model_served,
        columns.status,
        columns.stream,
        columns.error_class,
        columns.error_source,
        columns.first_token_ms,
        columns.duration_ms,
        columns.retries,
    )
    rows = await db.execute(
        select(*shown).where(columns.failed).order_by(columns.at.desc()).limit(FAILURES)
    )
    return [dict(row) for row in rows.mappings()]


def _secrets_in(account: Account) -> Iterator[str]:
    """Everything stored of a sign-in that is secret or tells who somebody is."""
    credentials = account.credentials
    values = [account.email, account.profile_arn, account.proxy]
    if credentials is not None:
        values += [
            credentials.access_token,
            credentials.refresh_token,
            credentials.client_id,
            credentials.client_secret,
            credentials.api_key,
            credentials.start_url,
            credentials.token_endpoint,
            credentials.refresh_scope,
        ]
    yield from (value for value in values if value and len(value) >= SHORTEST)


def _secrets_of(installation: Installation) -> Iterator[str]:
    settings = installation.settings
    values = [
        installation.secret_value,
        settings.auth.admin_key,
        settings.tenant.database_url,
        settings.upstream.proxy,
        *(channel.url for channel in settings.notifications.channels),
        *installation.proxy_variables.values(),
    ]
    yield from (value for value in values if value and len(value) >= SHORTEST)
