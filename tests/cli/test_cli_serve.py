"""`kiro-gateway serve` in a process of its own."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and terminals are POSIX")

Invoke = Callable[..., tuple[int, str, str]]
DATABASE = ("--db-path", "data/k.db")
PATIENCE = 30.0  # seconds
# Nothing here is to reach the service.
NOWHERE = {
    f"KIRO_GATEWAY_UPSTREAM_{name}_URL": "http://127.0.0.1:9"
    for name in ("RUNTIME", "MANAGEMENT", "OIDC", "AUTH", "PORTAL")
}


@dataclass(slots=True)
class Served:
    """A running gateway, and what it has said on standard error so far."""

    url: str
    process: subprocess.Popen[bytes]
    errors: int
    said: str = field(default="")

    def listen_until(self, pattern: str) -> str:
        """Read standard error until a line is like this; gives its first group."""
        while (found := re.search(pattern, self.said, re.MULTILINE)) is None:
            assert select.select([self.errors], [], [], PATIENCE)[0], self.said
            more = os.read(self.errors, 65536)
            assert more, self.said
            self.said += more.decode()
        return found[1]

    def ask(self, path: str, body: object = None, **headers: str) -> Any:
        """GET, or POST a body; gives what is answered, and raises HTTPError."""
        data = json.dumps(body).encode() if body is not None else None
        if data:
            headers["content-type"] = "application/json"
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            return json.load(reply)

    def end(self) -> str:
        """Stop it; gives all that it said."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) in {0, -signal.SIGTERM}
        while select.select([self.errors], [], [], 0)[0]:
            try:
                more = os.read(self.errors, 65536)
            except OSError:  # the terminal's other side is gone
                break
            if not more:
                break
            self.said += more.decode()
        return self.said


@contextmanager
def serving(
    *flags: str, environ: Mapping[str, str] | None = None, terminal: bool = False
) -> Iterator[Served]:
    """A gateway on a free port of loopback; its standard error is a pipe or a terminal."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ours, theirs = os.openpty() if terminal else os.pipe()
    command = [sys.executable, "-m", "gateway", "serve", "--host", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        [*command, *DATABASE, *flags],
        env={**os.environ, **NOWHERE, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        served = Served(f"http://127.0.0.1:{port}", process, ours)
        served.listen_until(r"(listening)")
        served.ask("/health")  # not before it has said what it has to say
        yield served
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def status_of(ask: Callable[[], object]) -> int:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask()
    caught.value.close()
    return int(caught.value.code)


def test_the_first_start_prints_an_admin_key_once_and_later_ones_none() -> None:
    with serving() as served:
        key = served.listen_until(r"^(kiro-admin-\S+)$")
        assert served.ask("/admin/accounts", authorization=f"Bearer {key}")["total"] == 0
        said = served.end()
    assert said.count(key) == 1
    assert "shown only now; kiro-gateway admin-key reset makes another:\n" in said
    assert "#link=" not in said, "no terminal, no link"
    with serving() as served:
        assert served.ask("/admin/accounts", **{"x-api-key": key})["total"] == 0
        said = served.end()
    assert "kiro-admin-" not in said
    for file in Path("data").iterdir():
        assert key.encode() not in file.read_bytes()


def test_no_admin_key_is_made_where_the_settings_name_one() -> None:
    with serving(environ={"KIRO_GATEWAY_AUTH_ADMIN_KEY": "hush"}) as served:
        assert served.ask("/admin/accounts", **{"x-api-key": "hush"})["total"] == 0
        said = served.end()
    assert "admin key" not in said.lower()
    assert "kiro-admin-" not in said
    assert "hush" not in said


def test_a_reset_key_opens_a_running_gateway_at_once_and_the_old_one_no_more(
    invoke: Invoke,
) -> None:
    with serving() as served:
        old = served.listen_until(r"^(kiro-admin-\S+)$")
        new = invoke("admin-key", "reset", *DATABASE)[1].strip()
        assert served.ask("/admin/accounts", **{"x-api-key": new})["total"] == 0
        assert status_of(lambda: served.ask("/admin/accounts", **{"x-api-key": old})) == 401


def test_on_a_terminal_a_link_is_printed_that_signs_in_once() -> None:
    with serving(terminal=True) as served:
        link = served.listen_until(r"^(http://\S+)\r?$")
        address, token = link.split("#link=")
        assert address == served.url + "/ui"
        assert "expires_at" in served.ask("/admin/session", {"link": token})
        assert status_of(lambda: served.ask("/admin/session", {"link": token})) == 401
        assert served.end().count(token) == 1


def test_open_opens_the_browser_with_a_link_that_signs_in(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    os.mkfifo(opened)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}"\n')
    browser.chmod(0o755)
    reader = os.open(opened, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with serving("--open", environ={"BROWSER": str(browser)}) as served:
            assert select.select([reader], [], [], PATIENCE)[0]
            link = os.read(reader, 65536).decode()
            assert link.startswith(served.url + "/ui#link=")
            token = link.partition("#link=")[2]
            assert "expires_at" in served.ask("/admin/session", {"link": token})
            assert token not in served.end()
    finally:
        os.close(reader)


def test_the_admin_sees_where_each_setting_comes_from() -> None:
    environ = {"KIRO_GATEWAY_AUTH_ADMIN_KEY": "hush", "KIRO_GATEWAY_SERVER_LOG_FORMAT": "json"}
    Path("config.yaml").write_text("server:\n  drain_timeout_seconds: 1\n")
    with serving(environ=environ) as served:
        settings = served.ask("/admin/settings", **{"x-api-key": "hush"})["settings"]
    sources = {setting["name"]: setting["source"] for setting in settings}
    assert sources["server.host"] == "flag --host"
    assert sources["server.drain_timeout_seconds"] == "config.yaml, line 2"
    assert sources["server.log_format"] == "environment variable KIRO_GATEWAY_SERVER_LOG_FORMAT"
    assert sources["server.log_level"] == "default"


def test_sign_ins_are_looked_for_where_the_environment_says(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("accounts", "add", "work", *DATABASE)[0] == 0
    environ = {"KIRO_GATEWAY_AUTH_ADMIN_KEY": "hush", "XDG_DATA_HOME": str(tmp_path / "elsewhere")}
    order = {"account": "work", "source": "kiro-cli", "db_path": "/nowhere"}
    with serving(environ=environ) as served:
        with pytest.raises(urllib.error.HTTPError) as caught:
            served.ask("/admin/kiro/import-local", order, **{"x-api-key": "hush"})
        with caught.value as answer:
            assert answer.code == 400
            assert f"{tmp_path}/elsewhere/kiro-cli/data.sqlite3" in answer.read().decode()


def test_json_on_the_command_line_is_what_the_admin_api_answers(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIRO_GATEWAY_AUTH_ADMIN_KEY", "hush")
    assert invoke("accounts", "add", "work", "--api-region", "eu-west-1", *DATABASE)[0] == 0
    assert invoke("accounts", "add", "home", *DATABASE)[0] == 0
    made = json.loads(
        invoke(
            *("keys", "create", "ci", "-a", "work", "-a", "home", "--tokens-per-day", "5"),
            *("--expires", "30d", "--model", "auto", "--json", *DATABASE),
        )[1]
    )
    with serving() as served:
        for path in ("accounts", "keys"):
            listed = json.loads(invoke(path, "list", "--json", *DATABASE)[1])
            asked = served.ask(f"/admin/{path}", **{"x-api-key": "hush"})
            for one in (*listed.get("accounts", []), *asked.get("accounts", [])):
                del one["health"]["since"]  # a running server remembers more
            assert listed == asked
            assert listed["total"] == {"accounts": 2, "keys": 1}[path]
    del made["key"]
    assert [made] == listed["keys"]
