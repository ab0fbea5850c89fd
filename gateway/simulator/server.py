"""Serving the simulator: as a process, or in a thread beside a test."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import uvicorn
from starlette.applications import Starlette

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount
from gateway.simulator.app import create_simulator
from gateway.simulator.state import Simulator

_BACKLOG = 2048
_SECONDS_TO_END = 2


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that answers at `url`. Its state belongs to another thread: look, don't touch."""

    url: str
    state: Simulator


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(_BACKLOG)
    return sock


def url_of(sock: socket.socket) -> str:
    """The address of a listening socket, without a slash at the end."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(app: Starlette) -> uvicorn.Server:
    """A server for the app; call `serve` or `run` with the listening socket."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        backlog=_BACKLOG,
        timeout_keep_alive=75,
        # Scenarios that wait for the client must not keep the process alive.
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@contextmanager
def serve_in_thread(
    *, seed: int = 0, accounts: Sequence[DemoAccount] = DEMO_ACCOUNTS
) -> Iterator[RunningSimulator]:
    """Run a simulator on a free port of the loopback interface until the block ends."""
    app = create_simulator(seed=seed, accounts=accounts)
    with listen("127.0.0.1", 0) as sock:
        server = make_server(app)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [sock]}, name="simulator", daemon=True
        )
        thread.start()
        try:
            yield RunningSimulator(url_of(sock), cast("Simulator", app.state.simulator))
        finally:
            server.should_exit = True
            thread.join(_SECONDS_TO_END)
            server.force_exit = True
            thread.join()
