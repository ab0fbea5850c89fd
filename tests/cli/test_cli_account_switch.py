import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from gateway.store.accounts import get_account
from gateway.store.cooldowns import Cooldown, store_cooldowns
from gateway.store.database import open_database
from gateway.store.secrets import open_secrets

Invoke = Callable[..., tuple[int, str, str]]
DATABASE = ("--db-path", "data/k.db")
KEY = "ksk_FAKE"


@pytest.fixture
def account(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An account that serves."""
    file = tmp_path / "key.txt"
    file.write_text(KEY)
    with file.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert invoke("accounts", "add", "work", "--api-key-stdin", *DATABASE)[0] == 0
    return "work"


def suspend(name: str) -> None:
    async def write() -> None:
        box = open_secrets(None, Path("data/secret.key"))
        async with open_database("data/k.db", box) as database, database.begin() as db:
            found = await get_account(db, box, name)
            suspended = Cooldown(found.id, "suspended", datetime.now(UTC), None)
            await store_cooldowns(db, {suspended.key: suspended})

    anyio.run(write)


def shown(invoke: Invoke) -> tuple[bool, str]:
    (found,) = json.loads(invoke("accounts", "list", "--json", *DATABASE)[1])["accounts"]
    return found["enabled"], found["health"]["state"]


def test_an_account_is_switched_off_and_on(account: str, invoke: Invoke) -> None:
    assert invoke("accounts", "disable", account, *DATABASE) == (
        0,
        'Account "work" is disabled.\n',
        "",
    )
    assert shown(invoke) == (False, "disabled")
    assert "disabled" in invoke("accounts", "list", *DATABASE)[1]
    code, out, _ = invoke("accounts", "enable", account, "--json", *DATABASE)
    assert (code, json.loads(out)["enabled"]) == (0, True)
    assert shown(invoke) == (True, "active")


def test_enabling_ends_a_suspension(account: str, invoke: Invoke) -> None:
    suspend(account)
    assert shown(invoke) == (False, "suspended")
    assert "suspended" in invoke("accounts", "list", *DATABASE)[1]
    assert invoke("accounts", "enable", account, *DATABASE)[0] == 0
    assert shown(invoke) == (True, "active")


def test_nobody_is_switched_who_is_not_there(account: str, invoke: Invoke) -> None:
    code, out, err = invoke("accounts", "enable", "nobody", *DATABASE)
    assert (code, out) == (1, "")
    assert "nobody" in err
