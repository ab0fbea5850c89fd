import io
import json
import os
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from gateway.cli.expiry import parse_expiry

Invoke = Callable[..., tuple[int, str, str]]
DATABASE = ("--db-path", "data/k.db")
IDE_TOKEN = {
    "accessToken": "aoaAAAAAhush",
    "refreshToken": "aorAAAAAhush",
    "expiresAt": "2099-01-01T00:00:00.000Z",
    "authMethod": "social",
    "provider": "Google",
    "profileArn": "arn:aws:codewhisperer:us-east-1:111122223333:profile/ABC",
}


@pytest.fixture
def account(invoke: Invoke) -> str:
    assert invoke("accounts", "add", "work", *DATABASE)[0] == 0
    return "work"


def test_an_added_account_is_listed(invoke: Invoke) -> None:
    code, out, _ = invoke("accounts", "add", "work", "--region", "eu-west-1", *DATABASE)
    assert code == 0
    assert "kiro-gateway accounts login work" in out
    listed = json.loads(invoke("accounts", "list", "--json", *DATABASE)[1])
    assert listed["total"] == 1
    (found,) = listed["accounts"]
    assert (found["name"], found["region"], found["auth_method"]) == ("work", "eu-west-1", None)
    assert found["token_info"]["has_token"] is False
    _, text, _ = invoke("accounts", "list", *DATABASE)
    assert text.splitlines()[0].split()[:2] == ["Name", "Id"]
    assert "not signed in" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("accounts", "add", "work"), 'There already is an account "work"'),
        (("accounts", "add", ".work"), "An account name has 1 to 64"),
        (("accounts", "add", "w2", "--region", "mars"), "A region looks like"),
        (("keys", "create", "k", "--account", "other"), 'account "other" does not exist'),
        (
            ("keys", "create", "k", "--account", "work", "--expires", "2001-01-01"),
            "expired already",
        ),
        (("keys", "disable", "nobody"), 'There is no API key "nobody"'),
        (("accounts", "import", "work"), "No usable sign-in was found"),
        (("accounts", "import", "work", "--from", "gone"), "There is no file "),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_failure_is_one_line_and_exit_code_1(
    arguments: tuple[str, ...], told: str, account: str, invoke: Invoke
) -> None:
    code, out, err = invoke(*arguments, *DATABASE)
    assert (code, out) == (1, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_kiro_api_key_comes_from_standard_input_and_is_kept_encrypted(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("  ksk_hush\n"))
    code, out, _ = invoke("accounts", "add", "ci", "--api-key-stdin", "--json", *DATABASE)
    assert code == 0
    assert json.loads(out)["auth_method"] == "api_key"
    assert "hush" not in out
    for file in Path("data").iterdir():
        assert b"ksk_hush" not in file.read_bytes()


@pytest.mark.parametrize("text", ["", " \n", "two keys", "é", "x" * 5000])
def test_what_is_no_api_key_adds_no_account(
    text: str, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert invoke("accounts", "add", "ci", "--api-key-stdin", *DATABASE)[0] == 2
    assert json.loads(invoke("accounts", "list", "--json", *DATABASE)[1])["total"] == 0


def test_an_import_creates_the_account_and_a_second_one_replaces_its_sign_in(
    invoke: Invoke, an_empty_home: Path
) -> None:
    token = an_empty_home / ".aws" / "sso" / "cache" / "kiro-auth-token.json"
    token.parent.mkdir(parents=True)
    token.write_text(json.dumps(IDE_TOKEN))
    code, out, err = invoke("accounts", "import", "me", *DATABASE)
    assert code == 0, err
    assert "social" in out
    assert str(token) in out
    code, out, _ = invoke("accounts", "import", "me", "--from", str(token), "--json", *DATABASE)
    assert code == 0
    document = json.loads(out)
    assert document["token_info"]["has_token"] is True
    assert document["token_info"]["profile_arn"] == IDE_TOKEN["profileArn"]
    assert "hush" not in out


def test_a_new_key_is_printed_once_and_only_its_hash_is_kept(account: str, invoke: Invoke) -> None:
    code, out, err = invoke("keys", "create", "laptop", "--account", account, *DATABASE)
    assert code == 0
    secret = out.removesuffix("\n")
    assert secret.startswith("sk-kiro-")
    assert len(secret) == len("sk-kiro-") + 43
    assert "shown only now" in err
    assert secret not in invoke("keys", "list", "--json", *DATABASE)[1]
    for file in Path("data").iterdir():
        assert secret.encode() not in file.read_bytes()


def test_a_key_is_made_with_all_that_was_asked_for(account: str, invoke: Invoke) -> None:
    assert invoke("accounts", "add", "home", *DATABASE)[0] == 0
    code, out, _ = invoke(
        *("keys", "create", "ci", "--account", account, "--account", "home", "--default", "home"),
        *("--requests-per-minute", "60", "--max-concurrent-requests", "4"),
        *("--tokens-per-day", "1000000", "--credits-per-month", "12.5", "--expires", "30d"),
        *("--model", "claude-sonnet-4.5", "--model", "auto", "--suppress-reasoning"),
        *("--failover", "--notes", "for the builds", "--json", *DATABASE),
    )
    assert code == 0
    made = json.loads(out)
    assert made["key"].startswith("sk-kiro-")
    expected = {
        "name": "ci",
        "enabled": True,
        "kiro_accounts": ["work", "home"],
        "kiro_default_account": "home",
        "suppress_reasoning": True,
        "failover": True,
        "requests_per_minute": 60,
        "max_concurrent_requests": 4,
        "tokens_per_day": 1000000,
        "credits_per_month": 12.5,
        "allowed_models": ["claude-sonnet-4.5", "auto"],
        "notes": "for the builds",
    }
    assert {name: made[name] for name in expected} == expected
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lasts == timedelta(days=30)
    (listed,) = json.loads(invoke("keys", "list", "--json", *DATABASE)[1])["keys"]
    assert "key" not in listed
    assert listed["key_prefix"] == made["key"][:16] + "…"


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_key_is_disabled_and_enabled_by_id_or_name(by: str, account: str, invoke: Invoke) -> None:
    made = json.loads(invoke("keys", "create", "k", "-a", account, "--json", *DATABASE)[1])
    assert invoke("keys", "disable", made[by], *DATABASE)[0] == 0
    assert invoke("keys", "list", *DATABASE)[1].splitlines()[1].split()[3] == "disabled"
    code, out, _ = invoke("keys", "enable", made[by], "--json", *DATABASE)
    assert code == 0
    assert json.loads(out)["enabled"] is True


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX")
def test_database_and_secret_key_are_for_their_owner_alone(account: str) -> None:
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in Path("data").iterdir()}
    assert modes["k.db"] == 0o600
    assert modes["secret.key"] == 0o600
    assert stat.S_IMODE(Path("data").stat().st_mode) == 0o700


def test_a_secret_key_in_the_environment_leaves_no_file(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIRO_GATEWAY_SECRET_KEY", "ab" * 32)
    assert invoke("accounts", "add", "work", *DATABASE)[0] == 0
    assert not Path("data/secret.key").exists()


def test_the_wrong_secret_key_is_told(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("ksk_hush"))
    assert invoke("accounts", "add", "ci", "--api-key-stdin", *DATABASE)[0] == 0
    monkeypatch.setenv("KIRO_GATEWAY_SECRET_KEY", "cd" * 32)
    code, _, err = invoke("accounts", "list", *DATABASE)
    assert code == 1
    assert "encrypted with another key" in err


def test_another_programs_database_is_left_alone(invoke: Invoke) -> None:
    with sqlite3.connect("other.db") as other:
        other.execute("CREATE TABLE recipes (name)")
    other.close()
    code, _, err = invoke("keys", "list", "--db-path", "other.db")
    assert code == 1
    assert "another program" in err


NOW = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12h", NOW + timedelta(hours=12)),
        ("30d", NOW + timedelta(days=30)),
        ("2 W", NOW + timedelta(days=14)),
        ("2027-01-31", datetime(2027, 2, 1, tzinfo=UTC)),
        ("2027-01-31T10:00:00Z", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ("2027-01-31T10:00:00+02:00", datetime(2027, 1, 31, 8, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_span_a_day_or_a_moment(text: str, expected: datetime) -> None:
    assert parse_expiry(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "30", "30m", "-1d", "2027-13-01", "99999999d"])
def test_an_end_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        parse_expiry(text, NOW)
