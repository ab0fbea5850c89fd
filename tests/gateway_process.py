"""Real gateway processes, started by the command and talked to over HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

COMMAND = str(Path(sys.executable).with_name("kiro-gateway"))
API_KEY_ACCOUNT = "ksk_SIMULATED0000000000000001"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder with a database, or a database elsewhere, and a simulator to speak to."""

    folder: Path
    upstream: str
    database_url: str | None = None
    command: str | Path = COMMAND

    @property
    def database(self) -> Path:
        return self.folder / "gateway.db"

    @property
    def key_file(self) -> Path:
        """Where the first process to start puts the key for what is encrypted."""
        folder = self.folder / ".kiro-gateway" if self.database_url else self.folder
        return folder / "secret.key"

    def environment(self, port: int = 1) -> dict[str, str]:
        names = ("RUNTIME", "MANAGEMENT", "OIDC", "AUTH", "PORTAL")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            **(
                {"KIRO_GATEWAY_TENANT_DATABASE_URL": self.database_url}
                if self.database_url
                else {"KIRO_GATEWAY_TENANT_DB_PATH": str(self.database)}
            ),
            "KIRO_GATEWAY_SERVER_HOST": "127.0.0.1",
            "KIRO_GATEWAY_SERVER_PORT": str(port),
            **{f"KIRO_GATEWAY_UPSTREAM_{name}_URL": self.upstream for name in names},
        }

    def run(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [self.command, *arguments],
            input=stdin,
            env={**self.environment(), **(env or {})},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_account(self, name: str = "main") -> None:
        self.run("accounts", "add", name, "--api-key-stdin", stdin=API_KEY_ACCOUNT)

    def create_key(self, *options: str, account: str = "main", name: str = "test") -> str:
        made = self.run("keys", "create", name, "--account", account, "--json", *options)
        return str(json.loads(made)["key"])


@dataclass(slots=True)
class GatewayProcess:
    """One running `kiro-gateway serve`."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait(20)

    def terminate(self) -> None:
        """Ask it to end; it may take its time."""
        self.process.send_signal(signal.SIGTERM)

    def wait_for_line(self, text: str) -> None:
        """Until its log has this; only the process itself could say so otherwise."""
        while text not in self.log.read_text("utf-8"):
            assert self.process.poll() is None, self.log.read_text("utf-8")


@contextmanager
def gateway_processes(
    installation: Installation,
    count: int = 1,
    extra: Mapping[str, Any] | None = None,
    *,
    command: str | Path = COMMAND,
) -> Iterator[list[GatewayProcess]]:
    """Running gateways on one database."""
    with ExitStack() as stack:
        started = []
        for number in range(count):
            port = free_port()
            log = installation.folder / f"gateway-{number}.log"
            environment = {**installation.environment(port), **(extra or {})}
            process = subprocess.Popen(
                [command, "serve"],
                env=environment,
                cwd=installation.folder,
                stdout=subprocess.DEVNULL,
                stderr=stack.enter_context(log.open("wb")),
            )
            stack.callback(process.wait, 30)
            stack.callback(process.kill)
            started.append(GatewayProcess(f"http://127.0.0.1:{port}", process, log))
        for one in started:
            wait_until_ready(one)
        yield started


def wait_until_ready(gateway: GatewayProcess) -> None:
    transport = httpx.HTTPTransport(retries=0)
    with httpx.Client(transport=transport, timeout=5) as http:
        while True:
            assert gateway.process.poll() is None, gateway.log.read_text("utf-8")
            try:
                if http.get(gateway.url + "/ready").status_code == 200:
                    return
            except httpx.TransportError:
                continue
