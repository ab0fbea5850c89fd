"""`kiro-gateway accounts login` as people use it, on a machine with a terminal and no screen."""

import json
import socket
import sys
from pathlib import Path

import httpx
import pytest

from gateway.simulator.server import RunningSimulator
from tests.gateway_process import GatewayProcess, Installation

if sys.platform == "win32":
    pytest.skip("a terminal of POSIX", allow_module_level=True)

# They need that terminal.
from tests.processes.terminal_sign_in import (
    accounts,
    answers,
    login,
    order,
    page_of,
    sent_to,
    without_terminal,
)

ORGANISATION = "https://simulated-org.awsapps.com/start"
IN_EUROPE = ("--start-url", ORGANISATION, "--region", "eu-west-1")
PROFILES = [{"region": "us-east-1", "name": "red"}, {"region": "eu-central-1", "name": "blue"}]


def test_an_address_is_pasted_and_the_account_answers(
    installation: Installation, simulator: RunningSimulator, running: GatewayProcess
) -> None:
    order(simulator, "/sign-in", way="google", times=2)
    with login(installation, "me") as terminal:
        page = page_of(terminal)
        terminal.until(r"10 minutes left")
        for wrong in ("what?", "http://localhost:3128/oauth/callback?code=c&state=foreign"):
            terminal.type(wrong)
            terminal.until("Not taken: ")
            terminal.shown = ""
        terminal.type(sent_to(page))
        terminal.until('Account "me" is signed in')
        assert terminal.ended() == 0
    (account,) = accounts(installation)
    assert (account["name"], account["auth_method"]) == ("me", "social")
    answers(installation, running, "me")


def test_a_browser_on_the_same_machine_comes_back_by_itself(
    installation: Installation, simulator: RunningSimulator
) -> None:
    order(simulator, "/sign-in", way="github")
    with login(installation, "me") as terminal:
        page = httpx.get(sent_to(page_of(terminal)), timeout=30)
        assert "Signed in" in page.text
        assert terminal.ended() == 0


def test_two_addresses_are_pasted_for_an_identity_provider(
    installation: Installation, simulator: RunningSimulator, running: GatewayProcess
) -> None:
    order(simulator, "/sign-in", way="external_idp")
    order(simulator, "/sign-in", page="provider")
    with login(installation, "me") as terminal:
        terminal.type(sent_to(page_of(terminal)))
        provider = page_of(terminal, r"  (http://\S+/authorize\?\S+)")
        terminal.type(sent_to(provider))
        assert terminal.ended() == 0, terminal.shown
    answers(installation, running, "me")


@pytest.mark.parametrize(
    ("arguments", "method"),
    [(("--method", "device"), "builder_id"), (IN_EUROPE, "idc")],
    ids=["Builder ID", "organisation"],
)
def test_a_code_is_confirmed_elsewhere(
    installation: Installation,
    simulator: RunningSimulator,
    running: GatewayProcess,
    arguments: tuple[str, ...],
    method: str,
) -> None:
    with login(installation, "me", *arguments) as terminal:
        terminal.until("Allow the access only if it shows exactly this code")
        code = terminal.until(r"\n  ([A-Z0-9]{4}-[A-Z0-9]{4})\n")[1]
        assert f"user_code={code}" in terminal.shown
        terminal.until(r"\r(10:00|9:5\d) left")  # counting down in place
        order(simulator, "/device", decision="approve", user_code=code)
        assert terminal.ended() == 0, terminal.shown
    (account,) = accounts(installation)
    assert account["auth_method"] == method
    answers(installation, running, "me")


def test_kiros_page_may_lead_to_a_code(
    installation: Installation, simulator: RunningSimulator
) -> None:
    order(simulator, "/sign-in", way="awsidc")
    with login(installation, "me") as terminal:
        terminal.type(sent_to(page_of(terminal)))
        code = terminal.until(r"\n  ([A-Z0-9]{4}-[A-Z0-9]{4})\n")[1]
        order(simulator, "/device", decision="approve", user_code=code)
        assert terminal.ended() == 0, terminal.shown


def test_one_of_several_profiles_is_chosen_by_its_number(
    installation: Installation, simulator: RunningSimulator
) -> None:
    order(simulator, "/profiles", account="organisation", profiles=PROFILES)
    order(simulator, "/device", decision="approve", account="organisation")
    with login(installation, "me", *IN_EUROPE) as terminal:
        terminal.until(r"1  blue  arn:\S+\n  2  red  arn:")
        terminal.type("3")
        terminal.until("Not taken: No such profile")
        terminal.type("2")
        assert terminal.ended() == 0
        assert 'the profile "red"' in terminal.shown


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--profile", "blue"), 0, 'the profile "blue"'),
        (("--profile", "green"), 1, "--profile: No such profile"),
        ((), 1, "Choose one with --profile"),
    ],
    ids=["named", "wrongly named", "nobody to ask"],
)
def test_a_script_names_the_profile(
    installation: Installation,
    simulator: RunningSimulator,
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    order(simulator, "/profiles", account="organisation", profiles=PROFILES)
    order(simulator, "/device", decision="approve", account="organisation")
    done = without_terminal(installation, "me", *IN_EUROPE, *arguments)
    assert done.returncode == code, done.stderr
    assert told in done.stdout + done.stderr
    assert [one["name"] for one in accounts(installation)] == (["me"] if code == 0 else [])


@pytest.mark.parametrize(
    ("decision", "code", "told"),
    [("deny", 4, "refused in the browser"), ("expire", 3, "expired before it was confirmed")],
)
def test_the_exit_code_tells_what_happened(
    installation: Installation, simulator: RunningSimulator, decision: str, code: int, told: str
) -> None:
    order(simulator, "/device", decision=decision)
    done = without_terminal(installation, "me", "--method", "device")
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    # Nobody has come to sign in to it.
    assert accounts(installation) == []


def test_a_failure_leaves_the_account_what_it_had(
    installation: Installation, simulator: RunningSimulator, running: GatewayProcess
) -> None:
    installation.add_account("me")
    order(simulator, "/device", decision="deny")
    assert without_terminal(installation, "me", "--method", "device").returncode == 4
    (account,) = accounts(installation)
    assert account["auth_method"] == "api_key"
    answers(installation, running, "me")


@pytest.mark.parametrize("arguments", [(), ("--method", "device")], ids=["portal", "device"])
def test_ctrl_c_cancels_and_nothing_has_changed(
    installation: Installation, arguments: tuple[str, ...]
) -> None:
    with login(installation, "me", *arguments) as terminal:
        terminal.until("Ctrl-C cancels")
        terminal.until("left")
        terminal.interrupt()
        assert terminal.ended() == 130
        assert "Traceback" not in terminal.shown
    assert accounts(installation) == []


def test_json_is_all_there_is_on_standard_output(
    installation: Installation, simulator: RunningSimulator, tmp_path: Path
) -> None:
    order(simulator, "/device", decision="approve")
    out = tmp_path / "out.json"
    with login(installation, "me", "--method", "device", "--json", json_to=out) as terminal:
        assert terminal.ended() == 0
    told = json.loads(out.read_text())
    assert (told["name"], told["auth_method"]) == ("me", "builder_id")
    assert "aoa" not in out.read_text()


def test_a_port_that_is_taken_is_told(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = without_terminal(installation, "me", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} of this machine is taken" in done.stderr
    assert accounts(installation) == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--method", "carrier-pigeon"), 2, "carrier-pigeon"),
        (("--method", "portal", *IN_EUROPE), 2, "go with --method device"),
        (("--method", "device", "--port", "3128"), 2, "goes with --method portal"),
        (("--region", "eu-west-1"), 2, "goes with --start-url"),
        (("--port", "0"), 2, "--port"),
        (("--start-url", "http://simulated-org.awsapps.com/start"), 1, "A start URL looks like"),
        (("--start-url", ORGANISATION, "--region", "mars"), 1, "A region looks like"),
        (("--start-url", ORGANISATION, "--region", "us-east-1"), 1, "Check the start URL"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_told_at_once(
    simulator: RunningSimulator,
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    installation = Installation(tmp_path, simulator.url + "/{region}")
    done = without_terminal(installation, "me", *arguments)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert done.stdout == ""
    assert accounts(installation) == []
