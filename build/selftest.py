#!/usr/bin/env python3
"""Whether a built or installed kiro-gateway works: `build/selftest.py dist/kiro-gateway`.

Starts its demo for the simulated Kiro service, and a gateway that speaks to it, in folders of their
own and as people would: account and key by the command line, the page and its files, a sign-in, one
streamed answer, and the end. Needs Python 3.11 and nothing else. Exit code 0: all of it works.
"""

import argparse
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

ADMIN_KEY = "selftest-admin-key-0123456789"
SIMULATED_ACCOUNT_KEY = "ksk_SIMULATED0000000000000001"
PATIENCE = 60.0  # seconds; far more than a loaded machine needs for any step
WINDOWS = os.name == "nt"
# What a built script says of the parts that it loads when they are wanted.
SCRIPT_PART = re.compile(rb"""["'`]((?:\./|assets/)[\w.-]+\.(?:js|css))["'`]""")


class Failed(Exception):
    """Something does not work; says what was seen."""


class Server:
    """One address to send requests to, each on a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        want: int = 200,
    ) -> tuple[http.client.HTTPMessage, bytes]:
        where = urlsplit(urljoin(self.url, path))
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
        try:
            connection.request(
                method,
                where.path + (f"?{where.query}" if where.query else ""),
                None if body is None else json.dumps(body),
                {"content-type": "application/json", **(headers or {})},
            )
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != want:
            seen = content[:300].decode("utf-8", "replace")
            raise Failed(f"{method} {path} answered {answer.status}, not {want}: {seen}")
        return answer.headers, content


class Command:
    """The kiro-gateway under test, with a home and a temporary folder that nobody else uses."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.log = folder / "log"
        kept = ("PATH", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "WINDIR", "LANG")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
            self.environment[name] = str(folder)
        for name in ("TMPDIR", "TEMP", "TMP"):
            self.environment[name] = str(self.temporary)

    def run(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [self.path, *arguments],
            input=stdin,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode != 0:
            raise Failed(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    @contextmanager
    def running(self, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A command that goes on until it is told to stop, which it must then do by itself."""
        # Windows sends Ctrl-Break to groups of processes.
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [self.path, *arguments],
                env=self.environment,
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=log,
                creationflags=flags,
            )
        try:
            yield process
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired as exc:
            raise Failed(f"{' '.join(arguments)} did not stop when told to") from exc
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def wait_for(server: Server, path: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            server.ask("GET", path)
        except (OSError, http.client.HTTPException, Failed) as exc:
            if process.poll() is not None:
                raise Failed(f"it ended with {process.returncode} before it answered") from exc
            if time.monotonic() > until:
                raise Failed(f"{path} did not answer in {PATIENCE:.0f} s: {exc}") from exc
            time.sleep(0.005)
        else:
            return


def read_greeting(process: "subprocess.Popen[bytes]") -> dict[str, str]:
    """What the demo prints beside these labels."""
    labels = ("Gateway", "API key", "Simulator")
    found: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        text = line.decode("utf-8").strip()
        found |= {
            label: text.removeprefix(label).strip() for label in labels if text.startswith(label)
        }
        if len(found) == len(labels):
            return found
    raise Failed(f"the demo ended instead of greeting; it said {found}")


def check_page(gateway: Server) -> int:
    """The admin page with every file that it and its scripts name; gives how many there are."""
    headers, page = gateway.ask("GET", "/ui/")
    if not headers["content-type"].startswith("text/html"):
        raise Failed(f"/ui/ is {headers['content-type']}")
    named = re.findall(rb"""(?:src|href)=["']([^"'#]+)["']""", page)
    wanted = {urljoin("/ui/", name.decode()) for name in named}
    wanted = {name for name in wanted if name.startswith("/")}
    if not any(name.endswith(".js") for name in wanted):
        raise Failed(f"/ui/ names no script but {sorted(wanted)}")
    seen: set[str] = set()
    while missing := sorted(wanted - seen):
        for name in missing:
            headers, content = gateway.ask("GET", name)
            if not content or (headers["content-type"] or "").startswith("text/html"):
                raise Failed(f"{name} is {len(content)} bytes of {headers['content-type']}")
            if name.endswith(".js"):
                parts = {part.decode() for part in SCRIPT_PART.findall(content)}
                # Imports start from the script, what is loaded beforehand from the page.
                wanted |= {urljoin(name if part[0] == "." else "/ui/", part) for part in parts}
        seen |= set(missing)
    return len(seen)


def check_sign_in(gateway: Server) -> None:
    """The admin key opens a session, whose cookie alone then opens the admin API."""
    gateway.ask("GET", "/admin/accounts", want=401)
    headers, _ = gateway.ask(
        "POST", "/admin/session", body={"admin_key": ADMIN_KEY}, headers={"origin": gateway.url}
    )
    cookie = (headers["set-cookie"] or "").partition(";")[0]
    if not cookie:
        raise Failed("signing in set no cookie")
    gateway.ask("GET", "/admin/accounts", headers={"cookie": cookie})


def check_stream(gateway: Server, api_key: str) -> str:
    """One streamed answer, whole and in order; gives its text."""
    question = {"role": "user", "content": "Hello!"}
    wanted = {"model": "claude-sonnet-4.5", "max_tokens": 200, "stream": True}
    headers, content = gateway.ask(
        "POST",
        "/v1/messages",
        body={**wanted, "messages": [question]},
        headers={"x-api-key": api_key},
    )
    if not headers["content-type"].startswith("text/event-stream"):
        raise Failed(f"the answer is {headers['content-type']}")
    events = [
        json.loads(line.removeprefix(b"data: "))
        for line in content.split(b"\n")
        if line.startswith(b"data: ")
    ]
    kinds = [event["type"] for event in events if event["type"] != "ping"]
    if kinds[:1] != ["message_start"] or kinds[-1:] != ["message_stop"]:
        raise Failed(f"the stream is {kinds}")
    text = "".join(
        event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta"
    )
    if not text:
        raise Failed("the answer has no text")
    return text


def selftest(path: Path, folder: Path) -> Iterator[str]:
    """Go through everything; gives a line for each thing that works."""
    command = Command(path, folder)
    yield f"{command.run('--version').strip()}: {path.stat().st_size / 2**20:.1f} MiB"
    with command.running("demo", "--port", str(free_port())) as demo:
        greeting = read_greeting(demo)
        text = check_stream(Server(greeting["Gateway"]), greeting["API key"])
        yield f"the demo streams: {text[:50]!r}"
        port = free_port()
        gateway = Server(f"http://127.0.0.1:{port}")
        for name in ("RUNTIME", "MANAGEMENT", "OIDC", "AUTH", "PORTAL"):
            command.environment[f"KIRO_GATEWAY_UPSTREAM_{name}_URL"] = greeting["Simulator"]
        command.environment["KIRO_GATEWAY_AUTH_ADMIN_KEY"] = ADMIN_KEY
        command.run("accounts", "add", "main", "--api-key-stdin", stdin=SIMULATED_ACCOUNT_KEY)
        api_key = json.loads(command.run("keys", "create", "it", "--account", "main", "--json"))
        yield "account and API key made by the command line"
        begun = time.perf_counter()
        with command.running("serve", "--host", "127.0.0.1", "--port", str(port)) as serving:
            wait_for(gateway, "/health", serving)
            yield f"/health answers {time.perf_counter() - begun:.2f} s after exec"
            wait_for(gateway, "/ready", serving)
            yield f"the page at /ui/ and its {check_page(gateway)} files"
            check_sign_in(gateway)
            yield "signed in with the admin key"
            yield f"an answer streamed: {check_stream(gateway, api_key['key'])[:50]!r}"
        if not WINDOWS and serving.returncode not in {-signal.SIGTERM, 128 + signal.SIGTERM}:
            raise Failed(f"told to stop, it ended with {serving.returncode}")
        yield f"stopped when told to, with {serving.returncode}"
    if left := sorted(entry.name for entry in command.temporary.iterdir()):
        raise Failed(f"left behind in the temporary folder: {left}")
    yield "nothing left behind"


def main() -> int:
    """Run it and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("command", type=Path, help="the executable to test")
    wanted = parser.parse_args()
    path = wanted.command.resolve()
    if not path.is_file():
        parser.error(f"there is no file {path}; `make binary` builds dist/kiro-gateway")
    with tempfile.TemporaryDirectory(prefix="kiro-gateway-selftest-") as name:
        try:
            for line in selftest(path, Path(name).resolve()):
                print("ok  ", line, flush=True)
        except Failed as exc:
            print("FAIL", exc, flush=True)
            log = Path(name, "log")
            if log.exists():
                print(log.read_text("utf-8", "replace")[-4000:])
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
