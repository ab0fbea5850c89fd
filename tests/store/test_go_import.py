import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from gateway.accounts.directory import Directory
from gateway.errors import InvalidRequest
from gateway.store.accounts import Account, delete_account, get_account, list_accounts
from gateway.store.api_key_changes import delete_api_key, rotate_api_key
from gateway.store.api_keys import get_api_key, list_api_keys
from gateway.store.database import Database
from gateway.store.former_names import names_by_id
from gateway.store.go_database import parse_time
from gateway.store.go_import import BATCH, Imported, import_go_database
from gateway.store.requests import RequestFilter, list_requests
from gateway.store.retention import Retention, prune
from gateway.store.usage_report import UsageQuestion, usage_report
from tests.sample_store import BOX, NOW, add_account, oidc_credentials, open_sample, stored_text

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

SCHEMA = """
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, key TEXT UNIQUE NOT NULL, name TEXT NOT NULL DEFAULT '',
    enabled INTEGER NOT NULL DEFAULT 1, kiro_accounts TEXT NOT NULL DEFAULT '[]',
    kiro_default_account TEXT NOT NULL DEFAULT '', suppress_reasoning INTEGER NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL DEFAULT '{}', created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE usage_records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key_id TEXT NOT NULL, model TEXT NOT NULL DEFAULT '',
    provider TEXT NOT NULL DEFAULT '', input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0, total_tokens INTEGER NOT NULL DEFAULT 0,
    duration_ms REAL NOT NULL DEFAULT 0, created_at DATETIME NOT NULL);
CREATE TABLE providers (
    id TEXT PRIMARY KEY, name TEXT UNIQUE NOT NULL, type TEXT NOT NULL,
    region TEXT NOT NULL DEFAULT 'us-east-1', enabled INTEGER NOT NULL DEFAULT 1,
    created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE kv_store (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP);
"""
NAME_RULE = (
    "An account name has 1 to 64 letters, digits, dots, underscores or hyphens, and begins with a "
    "letter or digit"
)
SECRET = "ag-" + "0123456789abcdef" * 3
GO_TIME = "2026-06-01 12:34:56.789012345 +0000 UTC"
OIDC_TOKEN = {
    "access_token": "aoa-secret",
    "refresh_token": "aor-secret",
    "client_id": "client-id-secret",
    "client_secret": "client-secret",
    "token_endpoint": "https://oidc.eu-west-1.amazonaws.com/token",
    "expires_at": "2026-11-22T10:25:13.482915377+01:00",
    "is_external_idp": False,
    "profile_arn": "arn:aws:codewhisperer:eu-central-1:111122223333:profile/EXAMPLEPROF1",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "old.db"


@pytest.fixture
def old(path: Path) -> Iterator[sqlite3.Connection]:
    """The old program's database, with an account, its token, and a key."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        add_provider(connection, "a" * 16, "work", region="eu-west-1")
        add_token(connection, "work", OIDC_TOKEN)
        add_key(connection, "b" * 16, SECRET, "laptop", ["work"])
        connection.commit()
        yield connection


def add_provider(old: sqlite3.Connection, row_id: str, name: str, **more: object) -> None:
    add(old, "providers", id=row_id, name=name, type="kiro", **more)


def add_token(old: sqlite3.Connection, name: str, token: object) -> None:
    value = token if isinstance(token, str) else json.dumps(token)
    add(old, "kv_store", key=f"kiro:{name}:token", value=value)


def add_key(
    old: sqlite3.Connection, row_id: str, secret: str, name: str, accounts: list[str], **more: Any
) -> None:
    names = json.dumps(accounts)
    add(old, "api_keys", id=row_id, key=secret, name=name, kiro_accounts=names, **more)


def add_usage(old: sqlite3.Connection, **more: object) -> None:
    row = {
        "key_id": "b" * 16,
        "model": "claude-sonnet-4-5",
        "provider": "work",
        "input_tokens": 10,
        "output_tokens": 20,
        "total_tokens": 30,
        "duration_ms": 1234.5,
        "created_at": GO_TIME,
    }
    add(old, "usage_records", **(row | more))


def add(old: sqlite3.Connection, table: str, **row: object) -> None:
    marks = ", ".join("?" for _ in row)
    old.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    old.commit()


async def take_over(path: Path, database: Database, **more: Any) -> Imported:
    return await import_go_database(path, database, now=NOW, **more)


async def account(database: Database, name: str) -> Account:
    async with database.connect() as db:
        return await get_account(db, BOX, name)


async def requests_in_all(database: Database) -> int:
    async with database.connect() as db:
        return sum(row.sums.requests for row in await usage_report(db, UsageQuestion()))


async def test_an_account_comes_with_its_sign_in(
    tmp_path: Path, path: Path, old: sqlite3.Connection
) -> None:
    async with open_sample(tmp_path) as database:
        result = await take_over(path, database)
        work = await account(database, "work")
        stored = await stored_text(database)
    assert (result.accounts, result.signed_in, result.keys, result.notes) == (1, 1, 1, [])
    assert (work.id, work.enabled, work.auth_method) == ("a" * 16, True, "idc")
    assert (work.auth_region, work.profile_arn) == ("eu-west-1", OIDC_TOKEN["profile_arn"])
    assert work.credentials is not None
    assert work.credentials.refresh_token == "aor-secret"
    assert work.credentials.client_secret == "client-secret"
    assert work.credentials.expires_at == datetime(2026, 11, 22, 9, 25, 13, 482915, tzinfo=UTC)
    assert not [word for word in ("aor-secret", "client-secret", SECRET) if word in stored]


@pytest.mark.parametrize(
    ("token", "method", "region", "endpoint"),
    [
        ({}, "idc", "eu-west-1", None),
        ({"profile_arn": None}, "builder_id", "eu-west-1", None),
        ({"token_endpoint": ""}, "social", "us-east-1", None),
        (
            {"token_endpoint": "https://oidc.evil.amazonaws.com.example/token"},
            "social",
            "us-east-1",
            None,
        ),
        (
            {"is_external_idp": True, "token_endpoint": "https://idp.example/token"},
            "external_idp",
            "ap-southeast-1",
            "https://idp.example/token",
        ),
    ],
    ids=["organisation", "builder", "social", "look-alike", "external"],
)
async def test_the_way_of_signing_in_is_found_out(
    tmp_path: Path,
    path: Path,
    old: sqlite3.Connection,
    token: dict[str, Any],
    method: str,
    region: str,
    endpoint: str | None,
) -> None:
    add_provider(old, "c" * 16, "home", region="ap-southeast-1", enabled=0)
    add_token(old, "home", OIDC_TOKEN | token)
    async with open_sample(tmp_path) as database:
        await take_over(path, database)
        home = await account(database, "home")
    assert home.credentials is not None
    assert (home.auth_method, home.auth_region) == (method, region)
    assert home.credentials.token_endpoint == endpoint
    assert not home.enabled


async def test_clients_keep_their_keys(tmp_path: Path, path: Path, old: sqlite3.Connection) -> None:
    add_provider(old, "c" * 16, "home")
    add_key(
        old,
        "d" * 16,
        "ag-other",
        "",
        ["work", "home", "work"],
        kiro_default_account="home",
        enabled=0,
        suppress_reasoning=1,
        created_at=GO_TIME,
    )
    async with open_sample(tmp_path) as database:
        await take_over(path, database)
        directory = Directory(database)
        await directory.reload()
        laptop, other = directory.key_presented(SECRET), directory.key_presented("ag-other")
    assert laptop is not None
    assert other is not None
    assert (laptop.id, laptop.name, laptop.enabled) == ("b" * 16, "laptop", True)
    assert laptop.key_prefix == "ag-0123456789abc…"
    assert (other.account_ids, other.default_account_id) == (("a" * 16, "c" * 16), "c" * 16)
    assert (other.name, other.enabled, other.suppress_reasoning) == ("d" * 16, False, True)
    assert other.created_at == datetime(2026, 6, 1, 12, 34, 56, 789012, tzinfo=UTC)


async def test_usage_comes_with_its_time_account_and_key(
    tmp_path: Path, path: Path, old: sqlite3.Connection
) -> None:
    add_usage(old)
    add_usage(old, provider="gone", created_at="2026-06-01 12:59:59", duration_ms=0)
    add_usage(old, key_id="e" * 16, provider="")
    add_usage(old, created_at="some day")
    async with open_sample(tmp_path) as database:
        result = await take_over(path, database, model_name=str.upper)
        async with database.connect() as db:
            question = UsageQuestion(group_by=("key", "account", "model", "source", "hour"))
            rows = await usage_report(db, question)
            names = await names_by_id(db)
            page = await list_requests(db, RequestFilter(key_ids=("e" * 16,)))
    assert (result.usage, result.unreadable_usage) == (3, 1)
    assert result.notes == ["1 rows of usage have a time nobody can read."]
    found = [(row.key_id, names.get(row.account_id or ""), row.sums.requests) for row in rows]
    assert sorted(found, key=repr) == sorted(
        [("b" * 16, "work", 1), ("b" * 16, "gone", 1), ("e" * 16, None, 1)], key=repr
    )
    assert {(row.model, row.source) for row in rows} == {("CLAUDE-SONNET-4-5", "estimated")}
    assert {row.period for row in rows} == {datetime(2026, 6, 1, 12, tzinfo=UTC)}
    (request,) = page.items
    assert (request.record.model_asked, request.record.duration_ms) == ("claude-sonnet-4-5", 1234)
    assert request.record.request_id == "imported-3"


async def test_a_second_import_takes_what_is_new_and_doubles_nothing(
    tmp_path: Path, path: Path, old: sqlite3.Connection
) -> None:
    for _ in range(BATCH + 3):
        add_usage(old)
    async with open_sample(tmp_path) as database:
        first = await take_over(path, database)
        # Even after the requests themselves are gone.
        await prune(database, Retention(usage_days=4000, request_log_days=1), now=NOW)
        second = await take_over(path, database)
        add_usage(old)
        add_key(old, "d" * 16, "ag-other", "phone", ["work"])
        third = await take_over(path, database)
        assert await requests_in_all(database) == BATCH + 4
        async with database.connect() as db:
            assert len(await list_api_keys(db)) == 2
            assert len(await list_accounts(db, BOX)) == 1
    assert [one.usage for one in (first, second, third)] == [BATCH + 3, 0, 1]
    assert (second.accounts, second.known_accounts) == (0, 1)
    assert (second.keys, second.known_keys, third.keys) == (0, 1, 1)


async def test_what_was_done_since_the_first_import_stands(
    tmp_path: Path, path: Path, old: sqlite3.Connection
) -> None:
    add_provider(old, "c" * 16, "home")
    add_key(old, "d" * 16, "ag-other", "phone", ["work"])
    async with open_sample(tmp_path) as database:
        await take_over(path, database)
        async with database.begin() as db:
            await rotate_api_key(db, "b" * 16, overlap=timedelta(days=1), now=NOW)
            await delete_api_key(db, "d" * 16, now=NOW)
            await delete_account(db, "c" * 16, now=NOW)
        again = await take_over(path, database)
        async with database.connect() as db:
            assert [key.id for key in await list_api_keys(db)] == ["b" * 16]
            assert [one.name for one in await list_accounts(db, BOX)] == ["work"]
    assert [note.partition(" was ")[0] for note in again.notes] == [
        'Account "home"',
        'API key "phone"',
    ]


async def test_an_account_that_is_there_by_name_is_used_as_it_is(
    tmp_path: Path, path: Path, old: sqlite3.Connection
) -> None:
    async with open_sample(tmp_path) as database:
        mine = await add_account(database, "work", oidc_credentials())
        result = await take_over(path, database)
        async with database.connect() as db:
            key = await get_api_key(db, "laptop")
            assert await get_account(db, BOX, "work") == mine
    assert key.account_ids == (mine.id,)
    assert (result.accounts, result.signed_in) == (0, 0)


async def test_what_cannot_be_taken_is_told(
    tmp_path: Path, path: Path, old: sqlite3.Connection
) -> None:
    add_provider(old, "c" * 16, "two words")
    add_provider(old, "e" * 16, "home", region="moon")
    add_token(old, "home", "{broken")
    add_key(old, "d" * 16, "ag-other", "phone", ["two words", "nowhere"])
    async with open_sample(tmp_path) as database:
        result = await take_over(path, database)
        async with database.connect() as db:
            phone = await get_api_key(db, "phone")
    assert (phone.account_ids, phone.default_account_id) == ((), None)
    assert [note.rstrip(".") for note in result.notes] == [
        'Account "home" is in us-east-1 now: "moon" is no region',
        'Account "home" needs a sign-in: its token cannot be read',
        f'Account "two words" was left out: {NAME_RULE}',
        'API key "phone" lost accounts that do not exist: two words, nowhere',
        'API key "phone" serves nobody until it is given an account',
    ]


async def test_the_earliest_versions_had_fewer_columns(
    tmp_path: Path, path: Path, old: sqlite3.Connection
) -> None:
    for column in ("kiro_default_account", "suppress_reasoning"):
        old.execute(f"ALTER TABLE api_keys DROP COLUMN {column}")
    old.execute("ALTER TABLE providers DROP COLUMN region")
    old.commit()
    async with open_sample(tmp_path) as database:
        result = await take_over(path, database)
        async with database.connect() as db:
            key = await get_api_key(db, "laptop")
    assert (result.accounts, result.keys, result.notes) == (1, 1, [])
    assert (key.default_account_id, key.suppress_reasoning) == ("a" * 16, False)


async def test_the_old_file_is_not_touched(
    tmp_path: Path, path: Path, old: sqlite3.Connection
) -> None:
    add_usage(old)
    file = anyio.Path(path)
    await file.chmod(0o400)
    before = await file.read_bytes()
    async with open_sample(tmp_path) as database:
        await take_over(path, database)
    assert await file.read_bytes() == before


async def test_another_file_is_refused_and_named(tmp_path: Path, path: Path) -> None:
    async with open_sample(tmp_path) as database:
        with pytest.raises(InvalidRequest, match="There is no file"):
            await take_over(path, database)
        await anyio.Path(path).write_bytes(b"no database" * 1000)
        with pytest.raises(InvalidRequest, match=r"cannot be read: file is not a database"):
            await take_over(path, database)
        await anyio.Path(path).unlink()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE api_keys (id TEXT)")
        with pytest.raises(InvalidRequest, match="no database of the Go program"):
            await take_over(path, database)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GO_TIME, datetime(2026, 6, 1, 12, 34, 56, 789012, tzinfo=UTC)),
        ("2026-06-01 12:34:56 +0000 UTC", datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)),
        (
            "2026-06-01 20:34:56.5 +0800 CST m=+0.012345",
            datetime(2026, 6, 1, 12, 34, 56, 500000, tzinfo=UTC),
        ),
        ("2026-06-01 12:34:56", datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)),
        ("2026-06-01T12:34:56Z", datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)),
        ("2026-06-01T14:34:56.123456789+02:00", datetime(2026, 6, 1, 12, 34, 56, 123456, UTC)),
        (1780317296, datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)),
        (1780317296000.0, datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)),
        ("0001-01-01 00:00:00 +0000 UTC", None),
        ("2026-13-01 00:00:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (0, None),
        (1e300, None),
    ],
)
def test_a_time_is_read_however_it_was_written(text: object, expected: datetime | None) -> None:
    assert parse_time(text) == expected
