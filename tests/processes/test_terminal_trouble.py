"""What can go wrong while somebody signs in at a terminal, and what the terminal says of it."""

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gateway.simulator.server import RunningSimulator
from tests.gateway_process import GatewayProcess, Installation

if sys.platform == "win32":
    pytest.skip("a terminal of POSIX", allow_module_level=True)

# They need that terminal.
from tests.processes.terminal import Terminal
from tests.processes.terminal_sign_in import (
    accounts,
    answers,
    login,
    order,
    page_of,
    sent_to,
    without_terminal,
)

DEVICE = ("me", "--method", "device")


def come_back(
    simulator: RunningSimulator,
    terminal: Terminal,
    way: str,
    *,
    before: Callable[[str], None] = lambda address: None,
    **end: Any,
) -> None:
    """Sign in at a page that ends so, and paste the address with the code of it."""
    page = page_of(terminal)
    if way == "external_idp":
        order(simulator, "/sign-in", way=way)
        terminal.type(sent_to(page))
        page = page_of(terminal, r"  (http://\S+/authorize\?\S+)")
        order(simulator, "/sign-in", page="provider", **end)
    else:
        order(simulator, "/sign-in", way=way, **end)
    address = sent_to(page)
    before(address)
    terminal.type(address)


def spend(simulator: RunningSimulator, address: str) -> None:
    """Try the code of an address before its owner does."""
    (code,) = parse_qs(urlsplit(address).query)["code"]
    proof = {"code": code, "code_verifier": "v" * 43}
    if address.startswith("kiro:"):
        url = f"{simulator.url}/idp/simulated-tenant/oauth2/v2.0/token"
        form = {"client_id": "simulated-external-client", "grant_type": "authorization_code"}
        redirect = {"redirect_uri": "kiro://kiro.oauth/callback"}
        answer = httpx.post(url, data={**form, **redirect, **proof})
    else:
        redirect = {"redirect_uri": f"{address.partition('?')[0]}?login_option=google"}
        answer = httpx.post(f"{simulator.url}/oauth/token", json={**redirect, **proof})
    assert answer.status_code >= 400


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "times"), [("slow-down", 2), ("internal", 3), ("reset-before-status", 2)], ids=str
)
def test_trouble_while_it_waits_ends_nothing(
    installation: Installation,
    simulator: RunningSimulator,
    running: GatewayProcess,
    scenario: str,
    times: int,
) -> None:
    # Were a poll too early after the second slow_down, the simulator would say it a third time.
    order(simulator, "/scenario", name=scenario, times=times, operation="poll")
    order(simulator, "/device", decision="approve")
    done = without_terminal(installation, *DEVICE)
    assert done.returncode == 0, done.stderr
    answers(installation, running, "me")


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ("no-refresh-token", "no refresh token"),
        ("no-access-token", "without a token"),
    ],
)
def test_a_device_sign_in_of_no_use_is_not_stored(
    installation: Installation, simulator: RunningSimulator, scenario: str, told: str
) -> None:
    order(simulator, "/scenario", name=scenario, operation="poll")
    order(simulator, "/device", decision="approve")
    done = without_terminal(installation, *DEVICE)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in " ".join(done.stderr.split())
    assert accounts(installation) == []


@pytest.mark.parametrize("way", ["google", "external_idp"])
def test_a_sign_in_at_a_page_without_a_refresh_token_is_not_stored(
    installation: Installation, simulator: RunningSimulator, way: str
) -> None:
    order(simulator, "/scenario", name="no-refresh-token", operation="exchange")
    with login(installation, "me") as terminal:
        come_back(simulator, terminal, way)
        assert terminal.ended() == 1
        assert "no refresh token" in " ".join(terminal.shown.split())
    assert accounts(installation) == []


@pytest.mark.parametrize("way", ["google", "external_idp"])
def test_a_code_that_somebody_has_used_already_is_refused(
    installation: Installation, simulator: RunningSimulator, way: str
) -> None:
    with login(installation, "me") as terminal:
        come_back(simulator, terminal, way, before=lambda address: spend(simulator, address))
        assert terminal.ended() == 1
        assert "did not accept the code" in " ".join(terminal.shown.split())
    assert accounts(installation) == []


@pytest.mark.parametrize("way", ["google", "external_idp"])
def test_a_refusal_at_a_page_has_the_exit_code_of_one(
    installation: Installation, simulator: RunningSimulator, way: str
) -> None:
    with login(installation, "me") as terminal:
        come_back(simulator, terminal, way, error="access_denied")
        assert terminal.ended() == 4
        assert "refused in the browser" in " ".join(terminal.shown.split())
    assert accounts(installation) == []
