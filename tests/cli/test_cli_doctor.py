"""`kiro-gateway doctor` as people and scripts run it."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.simulator.server import RunningSimulator, serve_in_thread
from tests.gateway_process import Installation, free_port, gateway_processes

Invoke = Callable[..., tuple[int, str, str]]


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Point the settings at a service."""

    def at(url: str) -> None:
        for name in ("RUNTIME", "MANAGEMENT", "OIDC", "AUTH", "PORTAL"):
            monkeypatch.setenv(f"KIRO_GATEWAY_UPSTREAM_{name}_URL", url)
        monkeypatch.setenv("KIRO_GATEWAY_SERVER_HOST", "127.0.0.1")
        monkeypatch.setenv("KIRO_GATEWAY_SERVER_PORT", str(free_port()))
        monkeypatch.setenv("KIRO_GATEWAY_TENANT_DB_PATH", str(Path("k.db").absolute()))

    return at


@pytest.fixture
def account(
    invoke: Invoke,
    at: Callable[[str], None],
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    at(simulator.url)
    token = tmp_path / "token.json"
    token.write_text(
        json.dumps(
            {
                "accessToken": "aoaSIMULATED-social-first",
                "refreshToken": "aorSIMULATED-social-first",
                "expiresAt": "2099-01-01T00:00:00.000Z",
                "authMethod": "social",
                "provider": "Google",
            }
        )
    )
    assert invoke("accounts", "import", "me", "--from", str(token))[0] == 0
    assert invoke("keys", "create", "laptop", "--account", "me")[0] == 0


@pytest.mark.usefixtures("account")
def test_when_all_is_well_it_says_so_and_exits_with_0(invoke: Invoke) -> None:
    code, out, err = invoke("doctor")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].endswith(": all is well.")
    assert "account me, quota: KIRO PRO" in out
    assert "live" not in out


@pytest.mark.usefixtures("account")
def test_a_live_answer_is_asked_for_on_demand(invoke: Invoke) -> None:
    code, out, _ = invoke("doctor", "--live")
    assert code == 0
    assert "account me, live: " in out
    assert "It cost " in out


def test_what_is_wrong_is_told_with_what_to_do_and_exits_with_1(
    invoke: Invoke, at: Callable[[str], None]
) -> None:
    at("http://127.0.0.1:9")
    code, out, err = invoke("doctor")
    assert (code, err) == (1, "")
    (line,) = [line for line in out.splitlines() if line.startswith("PROBLEM")]
    assert "host: The connection to 127.0.0.1 failed" in line
    assert "-> See to the network" in out
    assert not Path("k.db").exists()
    assert not Path("secret.key").exists()


def test_broken_settings_are_a_finding_like_others(invoke: Invoke) -> None:
    Path("config.yaml").write_text("server:\n  port: many\n")
    code, out, err = invoke("doctor", "--json")
    assert (code, err) == (1, "")
    report = json.loads(out)
    assert report["ok"] is False
    first = report["findings"][0]
    assert (first["area"], first["status"]) == ("settings", "problem")
    assert "server.port" in first["says"]
    assert "config check" in first["mend"]


@pytest.mark.usefixtures("account")
def test_json_is_one_document(invoke: Invoke) -> None:
    code, out, err = invoke("doctor", "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["ok"] is True
    assert {one["area"] for one in report["findings"]} >= {
        "settings",
        "port",
        "database",
        "secret key",
        "host",
        "clock",
        "api keys",
        "account",
    }


@pytest.mark.usefixtures("account")
def test_a_bundle_is_written_for_its_owner_and_nothing_is_overwritten(
    invoke: Invoke, an_empty_home: Path
) -> None:
    code, out, _ = invoke("doctor", "--bundle", "report.json")
    assert (code, "Wrote report.json." in out) == (0, True)
    text = Path("report.json").read_text()
    assert json.loads(text)["report"]["ok"] is True
    for secret in ("SIMULATED", "social@example.com", "arn:aws", str(an_empty_home)):
        assert secret not in text
    if os.name != "nt":
        assert stat.S_IMODE(Path("report.json").stat().st_mode) == 0o600
    code, _, err = invoke("doctor", "--bundle", "report.json")
    assert (code, "is there already" in err) == (1, True)
    assert Path("report.json").read_text() == text


def test_a_bundle_that_cannot_be_written_is_told_before_anything_is_done(invoke: Invoke) -> None:
    code, out, err = invoke("doctor", "--bundle", "no/such/folder/report.json")
    assert (code, out) == (1, "")
    assert "no/such/folder" in err


@pytest.mark.slow
def test_it_works_while_a_gateway_runs(tmp_path: Path, simulator: RunningSimulator) -> None:
    installation = Installation(tmp_path / "home", simulator.url)
    installation.add_account()
    installation.create_key()
    with gateway_processes(installation) as [gateway]:
        port = gateway.url.rpartition(":")[2]
        told = json.loads(
            installation.run("doctor", "--json", env={"KIRO_GATEWAY_SERVER_PORT": port})
        )
    by_area = {one["area"]: one for one in told["findings"]}
    assert by_area["port"]["facts"]["running"] is True
    assert [one for one in told["findings"] if one["status"] != "ok"] == []
