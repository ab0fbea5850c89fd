import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import click
import pytest

from gateway.cli.expiry import parse_overlap
from gateway.store.admin import is_admin_key, start_session
from gateway.store.api_keys import ApiKey, get_api_key, hash_secret
from gateway.store.database import open_database
from gateway.store.secrets import open_secrets
from gateway.store.tables import admin_sessions

Invoke = Callable[..., tuple[int, str, str]]
DATABASE = ("--db-path", "data/k.db")


@pytest.fixture
def account(invoke: Invoke) -> str:
    assert invoke("accounts", "add", "work", *DATABASE)[0] == 0
    return "work"


@pytest.fixture
def secret(account: str, invoke: Invoke) -> str:
    """What the API key `laptop` presents at first."""
    return invoke("keys", "create", "laptop", "--account", account, *DATABASE)[1].strip()


def stored_key(name: str) -> ApiKey:
    async def read() -> ApiKey:
        box = open_secrets(None, Path("data/secret.key"))
        async with open_database("data/k.db", box) as database, database.connect() as db:
            return await get_api_key(db, name)

    return anyio.run(read)


def test_a_rotated_key_has_a_new_secret_printed_once_and_the_old_one_is_out(
    secret: str, invoke: Invoke
) -> None:
    before = stored_key("laptop")
    code, out, err = invoke("keys", "rotate", "laptop", *DATABASE)
    assert code == 0
    new = out.removesuffix("\n")
    assert new.startswith("sk-kiro-")
    assert new != secret
    assert "shown only now. The old one is not let in any more." in err
    after = stored_key("laptop")
    assert after.key_hash == hash_secret(new)
    assert after.retired == ()
    assert (after.id, after.account_ids) == (before.id, before.account_ids)
    for file in Path("data").iterdir():
        assert new.encode() not in file.read_bytes()


def test_an_overlap_lets_the_old_secret_in_for_as_long(secret: str, invoke: Invoke) -> None:
    before = datetime.now(UTC)
    _, out, err = invoke("keys", "rotate", "laptop", "--overlap", "1d", *DATABASE)
    after = stored_key("laptop")
    (retired,) = after.retired
    assert retired.key_hash == hash_secret(secret)
    assert before <= retired.expires_at - timedelta(days=1) <= datetime.now(UTC)
    assert f"let in until {retired.expires_at:%Y-%m-%d %H:%M}Z" in err
    assert after.key_hash == hash_secret(out.strip())


@pytest.mark.usefixtures("secret")
def test_a_rotation_as_json_is_the_key_with_its_secret(invoke: Invoke) -> None:
    code, out, err = invoke("keys", "rotate", "laptop", "--json", *DATABASE)
    assert (code, err) == (0, "")
    rotated = json.loads(out)
    secret = rotated.pop("key")
    assert stored_key("laptop").key_hash == hash_secret(secret)
    (listed,) = json.loads(invoke("keys", "list", "--json", *DATABASE)[1])["keys"]
    assert listed == rotated


@pytest.mark.parametrize(
    ("overlap", "code", "told"),
    [
        ("soon", 2, "'soon' is no span such as 1d, 12h or 2w"),
        ("-1d", 2, "'-1d' is no span"),
        ("31d", 1, "from 0 to 30 days"),
    ],
)
def test_an_overlap_that_makes_no_sense_rotates_nothing(
    overlap: str, code: int, told: str, secret: str, invoke: Invoke
) -> None:
    exit_code, out, err = invoke("keys", "rotate", "laptop", f"--overlap={overlap}", *DATABASE)
    assert (exit_code, out) == (code, "")
    assert told in err
    assert stored_key("laptop").key_hash == hash_secret(secret)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", timedelta(0)),
        ("0d", timedelta(0)),
        ("12h", timedelta(hours=12)),
        (" 2 W ", timedelta(days=14)),
    ],
)
def test_an_overlap_is_a_span_or_nothing(text: str, expected: timedelta) -> None:
    assert parse_overlap(text) == expected


@pytest.mark.parametrize("text", ["", "1", "1m", "2027-01-31"])
def test_an_overlap_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        parse_overlap(text)


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("by", ["id", "name"])
def test_a_removed_key_is_gone(by: str, invoke: Invoke) -> None:
    key = stored_key("laptop")
    code, out, _ = invoke("keys", "remove", getattr(key, by), *DATABASE)
    assert (code, out) == (0, f'Removed API key "laptop" ({key.id}).\n')
    assert json.loads(invoke("keys", "list", "--json", *DATABASE)[1])["total"] == 0
    code, _, err = invoke("keys", "remove", key.id, *DATABASE)
    assert (code, err) == (1, f'kiro-gateway: There is no API key "{key.id}".\n')


@pytest.mark.usefixtures("secret")
def test_of_several_keys_with_one_name_none_is_touched(account: str, invoke: Invoke) -> None:
    assert invoke("keys", "create", "laptop", "--account", account, *DATABASE)[0] == 0
    for command in ("disable", "rotate", "remove"):
        code, out, err = invoke("keys", command, "laptop", *DATABASE)
        assert (code, out) == (1, "")
        assert "Use an id" in err
    assert json.loads(invoke("keys", "list", "--json", *DATABASE)[1])["total"] == 2


@pytest.mark.usefixtures("secret")
def test_an_account_that_keys_use_is_removed_only_by_force(invoke: Invoke) -> None:
    assert invoke("accounts", "add", "home", *DATABASE)[0] == 0
    assert invoke("keys", "create", "ci", "-a", "work", "-a", "home", *DATABASE)[0] == 0
    laptop, ci = stored_key("laptop").id, stored_key("ci").id
    code, out, err = invoke("accounts", "remove", "work", *DATABASE)
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        'kiro-gateway: The account "work" is used by these API keys:',
        f"kiro-gateway:   ci ({ci})",
        f"kiro-gateway:   laptop ({laptop})",
        "kiro-gateway: --force takes it out of their lists and removes it.",
    ]
    code, out, _ = invoke("accounts", "remove", "work", "--force", *DATABASE)
    assert code == 0
    assert out.splitlines() == [
        'Removed account "work".',
        f'API key "ci" ({ci}) does without it now.',
        (
            f'API key "laptop" ({laptop}) does without it now and serves nobody: '
            "that was its only account."
        ),
    ]
    (left,) = json.loads(invoke("accounts", "list", "--json", *DATABASE)[1])["accounts"]
    assert left["name"] == "home"
    assert stored_key("ci").account_ids == (left["id"],)
    assert stored_key("laptop").default_account_id is None


def test_an_account_that_nobody_uses_is_removed_by_id_too(account: str, invoke: Invoke) -> None:
    (found,) = json.loads(invoke("accounts", "list", "--json", *DATABASE)[1])["accounts"]
    code, out, _ = invoke("accounts", "remove", found["id"], "--json", *DATABASE)
    assert (code, json.loads(out)) == (0, {"deleted": True})
    code, _, err = invoke("accounts", "remove", account, *DATABASE)
    assert (code, err) == (1, 'kiro-gateway: There is no account "work".\n')


def admin_state(key: str) -> tuple[bool, int]:
    """Whether this is the admin key, and how many sessions there are."""

    async def read() -> tuple[bool, int]:
        box = open_secrets(None, Path("data/secret.key"))
        async with open_database("data/k.db", box) as database, database.connect() as db:
            sessions = (await db.execute(admin_sessions.select())).all()
            return await is_admin_key(db, key), len(sessions)

    return anyio.run(read)


def sign_in() -> None:
    async def write() -> None:
        box = open_secrets(None, Path("data/secret.key"))
        async with open_database("data/k.db", box) as database, database.begin() as db:
            await start_session(db, lifetime=timedelta(hours=1), now=datetime.now(UTC))

    anyio.run(write)


def test_a_reset_makes_another_admin_key_and_signs_everybody_out(invoke: Invoke) -> None:
    code, out, err = invoke("admin-key", "reset", *DATABASE)
    assert code == 0
    first = out.removesuffix("\n")
    assert first.startswith("kiro-admin-")
    assert "shown only now" in err
    assert first not in err
    sign_in()
    assert admin_state(first) == (True, 1)
    code, out, err = invoke("admin-key", "reset", "--json", *DATABASE)
    assert (code, err) == (0, "")
    second = json.loads(out)["admin_key"]
    assert admin_state(first) == (False, 0)
    assert admin_state(second) == (True, 0)
    for file in Path("data").iterdir():
        assert second.encode() not in file.read_bytes()


def test_an_admin_key_of_the_settings_is_not_reset(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIRO_GATEWAY_AUTH_ADMIN_KEY", "hush")
    code, out, err = invoke("admin-key", "reset", *DATABASE)
    assert (code, out) == (1, "")
    assert "auth.admin_key (environment variable KIRO_GATEWAY_AUTH_ADMIN_KEY)" in err
    assert "hush" not in err
    assert not Path("data").exists()
