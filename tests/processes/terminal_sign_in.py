"""What tests of signing in at a terminal share: an installation, its service, and a browser."""

import html
import json
import re
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx

from gateway.simulator.server import RunningSimulator
from tests.gateway_process import COMMAND, GatewayProcess, Installation
from tests.processes.terminal import Terminal, at_terminal


def order(simulator: RunningSimulator, path: str, **what: Any) -> None:
    assert httpx.put(f"{simulator.url}/_sim{path}", json=what).status_code == 200


def accounts_command(
    installation: Installation, *arguments: str, json_to: Path | None = None
) -> AbstractContextManager[Terminal]:
    """`kiro-gateway accounts …` at a terminal."""
    return at_terminal(
        "accounts",
        *arguments,
        env=installation.environment(),
        folder=installation.folder,
        json_to=json_to,
    )


def login(
    installation: Installation, *arguments: str, json_to: Path | None = None
) -> AbstractContextManager[Terminal]:
    """`kiro-gateway accounts login …` at a terminal."""
    return accounts_command(installation, "login", *arguments, json_to=json_to)


def without_terminal(
    installation: Installation, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "accounts", "login", *arguments],
        stdin=subprocess.DEVNULL,
        env=installation.environment(),
        cwd=installation.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def accounts(installation: Installation) -> list[Any]:
    found: list[Any] = json.loads(installation.run("accounts", "list", "--json"))["accounts"]
    return found


def answers(installation: Installation, gateway: GatewayProcess, account: str) -> None:
    """Let a running gateway answer with the account; it has noticed it within a second."""
    key = installation.create_key(account=account)
    body = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 100,
        "stream": True,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    with httpx.Client(timeout=30) as http:
        while True:
            answer = http.post(gateway.url + "/v1/messages", json=body, headers={"x-api-key": key})
            if answer.status_code not in {401, 403, 503}:
                break
    assert answer.status_code == 200, answer.text
    assert "event: message_stop" in answer.text


def page_of(terminal: Terminal, pattern: str = r"  (http://\S+/signin\?\S+)") -> str:
    return terminal.until(pattern)[1]


def sent_to(page: str) -> str:
    """Where a page of the service sends the browser: by itself, or as it shows."""
    answer = httpx.get(page)
    if answer.status_code == 302:
        return answer.headers["location"]
    found = re.search(r"kiro://kiro\.oauth/callback\?[^\"<\s]+", answer.text)
    assert found, answer.text
    return html.unescape(found[0])
