import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from gateway.store.api_keys import hash_secret, list_api_keys
from gateway.store.database import open_database, read_schema
from gateway.store.secrets import open_secrets
from gateway.store.tables import SCHEMA_REVISION
from gateway.store.usage_report import UsageQuestion, usage_report
from tests.postgresql_server import Server, running_server

Invoke = Callable[..., tuple[int, str, str]]
DATABASE = ("--db-path", "data/k.db")
OLD_SECRET = "ag-" + "0123456789abcdef" * 3


def accounts_in(invoke: Invoke, *where: str) -> list[str]:
    listed = json.loads(invoke("accounts", "list", "--json", *where)[1])["accounts"]
    return [account["name"] for account in listed]


def test_an_upgrade_makes_a_database_and_then_has_nothing_to_do(invoke: Invoke) -> None:
    assert invoke("db", "upgrade", *DATABASE) == (
        0,
        f"data/k.db is new; its schema is {SCHEMA_REVISION}.\n",
        "",
    )
    assert invoke("db", "upgrade", *DATABASE) == (
        0,
        f"data/k.db is up to date; its schema is {SCHEMA_REVISION}.\n",
        "",
    )
    assert json.loads(invoke("db", "upgrade", "--json", *DATABASE)[1]) == {
        "database": "data/k.db",
        "from": SCHEMA_REVISION,
        "to": SCHEMA_REVISION,
    }


def test_an_upgrade_refuses_what_is_newer_and_what_is_not_ours(invoke: Invoke) -> None:
    assert invoke("db", "upgrade", *DATABASE)[0] == 0
    with closing(sqlite3.connect("data/k.db")) as ours:
        ours.execute("UPDATE alembic_version SET version_num = '9999'")
        ours.commit()
    code, out, err = invoke("db", "upgrade", *DATABASE)
    assert (code, out) == (1, "")
    assert "newer version" in err
    with closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE recipes (name)")
    code, out, err = invoke("db", "upgrade", "--db-path", "other.db")
    assert (code, out) == (1, "")
    assert "another program" in err


def test_the_schema_of_a_file_that_is_not_there_is_none_and_makes_no_file() -> None:
    assert anyio.run(read_schema, "gone.db") is None
    assert not Path("gone.db").exists()


def test_a_backup_is_a_whole_database_for_its_owner_alone(invoke: Invoke) -> None:
    assert invoke("accounts", "add", "work", *DATABASE)[0] == 0
    code, out, err = invoke("db", "backup", "copy.db", *DATABASE)
    assert code == 0
    size = Path("copy.db").stat().st_size
    assert out == f"Copied data/k.db to copy.db ({size} bytes).\n"
    assert "data/secret.key" in err
    if os.name != "nt":
        assert stat.S_IMODE(Path("copy.db").stat().st_mode) == 0o600
    assert sorted(path.name for path in Path().iterdir()) == ["copy.db", "data"]
    assert accounts_in(invoke, "--db-path", "copy.db") == ["work"]


def test_a_backup_holds_what_an_open_database_has_not_moved_to_its_file_yet(
    invoke: Invoke,
) -> None:
    assert invoke("accounts", "add", "work", *DATABASE)[0] == 0
    with closing(sqlite3.connect("data/k.db")) as running:
        # A reader of an older state keeps the write-ahead log from being emptied.
        running.execute("BEGIN")
        running.execute("SELECT count(*) FROM accounts").fetchone()
        assert invoke("accounts", "add", "home", *DATABASE)[0] == 0
        assert Path("data/k.db-wal").stat().st_size > 0
        assert invoke("db", "backup", "copy.db", *DATABASE)[0] == 0
    assert accounts_in(invoke, "--db-path", "copy.db") == ["home", "work"]


def test_a_backup_replaces_a_file_only_by_force(invoke: Invoke) -> None:
    assert invoke("accounts", "add", "work", *DATABASE)[0] == 0
    Path("copy.db").write_text("precious")
    code, out, err = invoke("db", "backup", "copy.db", *DATABASE)
    assert (code, out) == (1, "")
    assert err == "kiro-gateway: copy.db exists already; --force replaces it.\n"
    assert Path("copy.db").read_text() == "precious"
    code, out, _ = invoke("db", "backup", "copy.db", "--force", "--json", *DATABASE)
    assert code == 0
    assert json.loads(out) == {
        "file": "copy.db",
        "bytes": Path("copy.db").stat().st_size,
        "secret_key": "data/secret.key",
    }
    assert accounts_in(invoke, "--db-path", "copy.db") == ["work"]


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["plain", "force"])
def test_a_backup_that_fails_leaves_nothing_behind(force: tuple[str, ...], invoke: Invoke) -> None:
    Path("broken.db").write_text("no database at all" * 100)
    code, out, err = invoke("db", "backup", "copy.db", *force, "--db-path", "broken.db")
    assert (code, out) == (1, "")
    assert "broken.db cannot be copied" in err
    assert [path.name for path in Path().iterdir()] == ["broken.db"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("copy.db", "--db-path", "gone.db"), "There is no database gone.db."),
        (("data/k.db", "--force", *DATABASE), "data/k.db is the database itself."),
        (("gone/copy.db", *DATABASE), "No such file or directory: gone/copy.db"),
    ],
    ids=["no database", "onto itself", "no folder"],
)
def test_a_backup_that_makes_no_sense_is_refused(
    arguments: tuple[str, ...], told: str, invoke: Invoke
) -> None:
    assert invoke("accounts", "add", "work", *DATABASE)[0] == 0
    assert invoke("db", "backup", *arguments) == (1, "", f"kiro-gateway: {told}\n")
    assert accounts_in(invoke, *DATABASE) == ["work"]
    assert not Path("gone.db").exists()


@pytest.fixture
def old() -> Path:
    """The Go program's database: an account that is signed in, its key, some usage."""
    path = Path("old.db")
    token = {
        "access_token": "aoa-hush",
        "refresh_token": "aor-hush",
        "token_endpoint": "https://prod.us-east-1.auth.desktop.kiro.dev/refreshToken",
        "expires_at": "2026-11-22T10:25:13Z",
    }
    with closing(sqlite3.connect(path)) as db:
        db.executescript("""
            CREATE TABLE providers (id TEXT, name TEXT, type TEXT, region TEXT, enabled INTEGER);
            CREATE TABLE kv_store (key TEXT, value TEXT);
            CREATE TABLE api_keys (
                id TEXT, key TEXT, name TEXT, enabled INTEGER, kiro_accounts TEXT,
                kiro_default_account TEXT, suppress_reasoning INTEGER, created_at TEXT);
            CREATE TABLE usage_records (
                id INTEGER PRIMARY KEY, key_id TEXT, model TEXT, provider TEXT,
                input_tokens INTEGER, output_tokens INTEGER, duration_ms REAL, created_at TEXT);
        """)
        for row_id, name in (("a" * 16, "work"), ("c" * 16, "idle")):
            db.execute(
                "INSERT INTO providers VALUES (?, ?, 'kiro', 'us-east-1', 1)", (row_id, name)
            )
        db.execute("INSERT INTO kv_store VALUES ('kiro:work:token', ?)", (json.dumps(token),))
        db.execute(
            "INSERT INTO api_keys VALUES (?, ?, 'laptop', 1, '[\"work\"]', 'work', 0, ?)",
            ("b" * 16, OLD_SECRET, "2026-06-01 12:00:00"),
        )
        for model in ("claude-sonnet-4-5", "anthropic/", ""):
            db.execute(
                "INSERT INTO usage_records VALUES (NULL, ?, ?, 'work', 10, 20, 1.5, ?)",
                ("b" * 16, model, "2026-11-01 12:34:56.789012345 +0000 UTC"),
            )
        db.commit()
    return path


def test_an_import_tells_what_it_took_and_what_it_left(old: Path, invoke: Invoke) -> None:
    needs_sign_in = 'Account "idle" needs a sign-in: it was not signed in there.'
    code, out, err = invoke("db", "import", str(old), *DATABASE)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Taken over: 2 accounts (1 signed in), 1 API key, 3 rows of usage.",
        needs_sign_in,
    ]
    code, out, _ = invoke("db", "import", str(old), "--json", *DATABASE)
    assert code == 0
    assert json.loads(out) == {
        "accounts": 0,
        "signed_in": 0,
        "keys": 0,
        "usage": 0,
        "known_accounts": 2,
        "known_keys": 1,
        "unreadable_usage": 0,
        "notes": [needs_sign_in],
    }
    assert "There already: 2 accounts, 1 API key." in invoke("db", "import", "old.db", *DATABASE)[1]


@pytest.mark.usefixtures("old")
def test_clients_keep_their_keys_and_usage_names_the_models_as_the_service_does(
    invoke: Invoke,
) -> None:
    assert invoke("db", "import", "old.db", *DATABASE)[0] == 0

    async def read() -> tuple[str, set[str]]:
        box = open_secrets(None, Path("data/secret.key"))
        async with open_database("data/k.db", box) as database, database.connect() as db:
            (key,) = await list_api_keys(db)
            rows = await usage_report(db, UsageQuestion(group_by=("model",)))
            return key.key_hash, {str(row.model) for row in rows}

    assert anyio.run(read) == (
        hash_secret(OLD_SECRET),
        {"claude-sonnet-4.5", "anthropic/", ""},
    )


def test_the_old_database_in_our_own_place_has_to_move_first(old: Path, invoke: Invoke) -> None:
    before = old.read_bytes()
    code, out, err = invoke("db", "import", "old.db", "--db-path", "old.db")
    assert (code, out) == (1, "")
    assert "Move it away first" in err
    assert old.read_bytes() == before


@pytest.mark.parametrize(
    ("file", "told"),
    [("gone.db", "There is no file gone.db."), ("data/k.db2", "is no database of the Go program.")],
)
def test_what_is_no_old_database_is_refused(file: str, told: str, invoke: Invoke) -> None:
    assert invoke("db", "upgrade", "--db-path", "data/k.db2")[0] == 0
    code, out, err = invoke("db", "import", file, *DATABASE)
    assert (code, out) == (1, "")
    assert told in err


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


def test_every_command_works_on_postgresql(
    server: Server, old: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    anyio.run(server.create, "cli")
    monkeypatch.setenv("KIRO_GATEWAY_TENANT_DATABASE_URL", server.url("cli"))
    shown = json.loads(invoke("db", "upgrade", "--json")[1])
    assert (shown["from"], shown["to"]) == (None, SCHEMA_REVISION)
    assert shown["database"].endswith("/cli")
    assert "postgres@" not in shown["database"]
    assert invoke("db", "upgrade")[1].endswith(
        f"/cli is up to date; its schema is {SCHEMA_REVISION}.\n"
    )
    code, out, _ = invoke("db", "import", str(old))
    assert (code, out.splitlines()[0]) == (
        0,
        "Taken over: 2 accounts (1 signed in), 1 API key, 3 rows of usage.",
    )
    assert invoke("accounts", "add", "home")[0] == 0
    assert accounts_in(invoke) == ["home", "idle", "work"]
    assert invoke("keys", "create", "ci", "--account", "home")[0] == 0
    assert invoke("keys", "rotate", "laptop", "--overlap", "1h")[0] == 0
    assert invoke("keys", "remove", "laptop")[0] == 0
    assert invoke("accounts", "remove", "home", "--force")[0] == 0
    assert invoke("admin-key", "reset")[1].startswith("kiro-admin-")
    code, out, err = invoke("db", "backup", "copy.db")
    assert (code, out) == (1, "")
    assert "pg_dump" in err
    assert not Path("copy.db").exists()


def test_a_postgresql_server_that_is_not_there_is_told_without_the_password(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "KIRO_GATEWAY_TENANT_DATABASE_URL", "postgresql://me:hush@127.0.0.1:1/gateway"
    )
    for command in (("db", "upgrade"), ("accounts", "list")):
        code, out, err = invoke(*command)
        assert (code, out) == (1, "")
        assert "127.0.0.1:1/gateway cannot be opened" in err
        assert "hush" not in err
