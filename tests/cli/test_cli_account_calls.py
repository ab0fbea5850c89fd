"""What commands say of accounts, asked of a simulated service."""

import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.simulator.server import RunningSimulator, serve_in_thread

Invoke = Callable[..., tuple[int, str, str]]
KEY = "ksk_SIMULATED0000000000000001"


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture(autouse=True)
def settings(simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNTIME", "MANAGEMENT", "OIDC", "AUTH", "PORTAL"):
        monkeypatch.setenv(f"KIRO_GATEWAY_UPSTREAM_{name}_URL", simulator.url)
    monkeypatch.setenv("KIRO_GATEWAY_TENANT_DB_PATH", str(Path("k.db").absolute()))


@pytest.fixture
def add(invoke: Invoke, tmp_path: Path) -> Callable[[str], None]:
    """Import one of the simulator's social or organisation accounts from a file of the IDE."""

    def add(name: str) -> None:
        accounts = {
            "social": {"authMethod": "social", "provider": "Google"},
            "organisation": {
                "authMethod": "IdC",
                "provider": "Enterprise",
                "clientId": "simulated-organisation-client",
                "clientSecret": f"simulated-{'organisation'}-secret",
                "region": "eu-west-1",
            },
        }
        folder = tmp_path / name
        folder.mkdir()
        token = folder / "kiro-auth-token.json"
        token.write_text(
            json.dumps(
                {
                    "accessToken": f"aoaSIMULATED-{name}-first",
                    "refreshToken": f"aorSIMULATED-{name}-first",
                    "expiresAt": "2099-01-01T00:00:00.000Z",
                    **accounts[name],
                }
            )
        )
        code, _, err = invoke("accounts", "import", name, "--from", str(token))
        assert code == 0, err

    return add


def control(simulator: RunningSimulator, method: str, path: str, order: object) -> None:
    assert httpx.request(method, f"{simulator.url}/_sim{path}", json=order).status_code == 200


def as_json(invoke: Invoke, *arguments: str) -> Any:
    code, out, err = invoke(*arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_an_imported_organisation_finds_its_profile_at_once(
    invoke: Invoke, add: Callable[[str], None]
) -> None:
    add("organisation")
    (listed,) = as_json(invoke, "accounts", "list")["accounts"]
    assert listed["token_info"]["profile_arn"].startswith("arn:aws:codewhisperer:eu-central-1:")


def test_a_profile_that_cannot_be_looked_up_is_said_and_does_not_fail_the_import(
    invoke: Invoke, add: Callable[[str], None], simulator: RunningSimulator
) -> None:
    order = {"name": "internal", "operation": "profiles", "times": None}
    control(simulator, "PUT", "/scenario", order)
    add("organisation")
    (listed,) = as_json(invoke, "accounts", "list")["accounts"]
    assert listed["token_info"]["profile_arn"] is None


def test_a_token_is_renewed_now(invoke: Invoke, add: Callable[[str], None]) -> None:
    add("social")
    code, out, _ = invoke("accounts", "refresh", "social")
    assert code == 0
    assert out.startswith('The token of account "social" is new and good until ')
    status = as_json(invoke, "accounts", "refresh", "social")
    assert (status["account"], status["has_current"], status["healthy"]) == ("social", True, True)


def test_an_api_key_has_nothing_to_renew(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, stdin_of: Callable[[str], None]
) -> None:
    stdin_of(KEY)
    invoke("accounts", "add", "key", "--api-key-stdin")
    code, out, _ = invoke("accounts", "refresh", "key")
    assert (code, out) == (0, 'Account "key" signs in with an API key, which does not expire.\n')


def test_a_renewal_that_is_refused_says_what_to_do(
    invoke: Invoke, add: Callable[[str], None]
) -> None:
    add("social")
    with sqlite3.connect("k.db") as db:
        saved = db.execute("SELECT credentials_encrypted FROM accounts").fetchone()
    db.close()
    assert invoke("accounts", "refresh", "social")[0] == 0
    # As after restoring a backup: the token has been spent since.
    with sqlite3.connect("k.db") as db:
        db.execute("UPDATE accounts SET credentials_encrypted = ?", saved)
    db.close()
    code, out, err = invoke("accounts", "refresh", "social")
    assert (code, out) == (1, "")
    assert 'Account "social" has to be signed in again' in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


def test_a_quota_is_told_in_words_and_as_json(
    invoke: Invoke, add: Callable[[str], None], simulator: RunningSimulator
) -> None:
    add("social")
    control(simulator, "PUT", "/credits", {"account": "social", "used": 600.5})
    code, out, err = invoke("accounts", "quota", "social")
    assert (code, err) == (0, "")
    told = dict(re.split(r"  +", line, maxsplit=1) for line in out.splitlines())
    assert told["Plan"] == "KIRO PRO"
    assert told["Used"] == "600.50 of 1,600 (37.5 %)"
    assert told["Left"] == "999.50"
    assert told["of the plan"] == "100.50 of 1,000"
    assert told["of the trial"].startswith("500 of 500, until ")
    found = as_json(invoke, "accounts", "quota", "social")
    assert (found["total"]["used"], found["email"]) == (600.5, "social@example.com")


def test_a_quota_is_asked_for_when_the_last_answer_is_old_or_somebody_insists(
    invoke: Invoke, add: Callable[[str], None], simulator: RunningSimulator
) -> None:
    add("social")
    first = as_json(invoke, "accounts", "quota", "social")
    assert as_json(invoke, "accounts", "quota", "social") == first
    assert as_json(invoke, "accounts", "quota", "social", "--refresh") != first
    control(
        simulator, "PUT", "/scenario", {"name": "internal", "operation": "usage", "times": None}
    )
    code, _, err = invoke("accounts", "quota", "social", "--refresh")
    assert (code, err.count("\n")) == (1, 1)
    with sqlite3.connect("k.db") as db:
        db.execute("UPDATE account_answers SET fetched_at = '2020-01-01 00:00:00.000000'")
        db.execute("UPDATE accounts SET signed_in_at = NULL")
    db.close()
    code, out, err = invoke("accounts", "quota", "social")
    assert (code, "2020-01-01" in out) == (0, True)
    assert "this is an old answer" in err


def test_all_quotas_are_added_up(
    invoke: Invoke, add: Callable[[str], None], stdin_of: Callable[[str], None]
) -> None:
    add("social")
    stdin_of(KEY)
    invoke("accounts", "add", "key", "--api-key-stdin")
    invoke("accounts", "add", "nobody")
    found = as_json(invoke, "accounts", "quota")
    assert (found["account_count"], found["unknown"]) == (2, ["nobody"])
    code, out, _ = invoke("accounts", "quota")
    assert code == 0
    assert out.splitlines()[-1].split()[:2] == ["all", "healthy"]


def test_models_are_listed(invoke: Invoke, add: Callable[[str], None]) -> None:
    add("social")
    code, out, _ = invoke("accounts", "models", "social")
    assert code == 0
    assert any(line.split()[:2] == ["claude-sonnet-4.5", "200,000"] for line in out.splitlines())
    found = as_json(invoke, "accounts", "models", "social")
    assert found["total"] == len(found["models"]) == len(out.splitlines()) - 1


def test_profiles_are_listed_and_chosen(invoke: Invoke, add: Callable[[str], None]) -> None:
    add("organisation")
    found = as_json(invoke, "accounts", "profile", "organisation")
    (profile,) = found["profiles"]
    for word in (profile["name"], profile["arn"]):
        code, out, _ = invoke("accounts", "profile", "organisation", word)
        assert (code, "in eu-central-1." in out) == (0, True)
    code, _, err = invoke("accounts", "profile", "organisation", "other")
    assert (code, profile["name"] in err) == (1, True)


@pytest.mark.parametrize("command", ["refresh", "quota", "models", "profile"])
def test_an_account_that_there_is_not_is_named(invoke: Invoke, command: str) -> None:
    code, out, err = invoke("accounts", command, "nobody")
    assert (code, out) == (1, "")
    assert 'There is no account "nobody"' in err


@pytest.mark.parametrize("command", ["refresh", "quota", "models", "profile"])
def test_an_account_that_nobody_signed_in_to_says_so(invoke: Invoke, command: str) -> None:
    invoke("accounts", "add", "new")
    code, _, err = invoke("accounts", command, "new")
    assert (code, "not signed in" in err) == (1, True)


def test_a_service_out_of_reach_is_an_error_in_one_line(
    invoke: Invoke, add: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add("social")
    monkeypatch.setenv("KIRO_GATEWAY_UPSTREAM_MANAGEMENT_URL", "http://127.0.0.1:9")
    code, out, err = invoke("accounts", "models", "social")
    assert (code, out) == (1, "")
    assert "no connection" in err
    assert err.count("\n") == 1


@pytest.fixture
def stdin_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return give
