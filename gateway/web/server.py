"""Listening: uvicorn on uvloop and httptools, with bounds on what a connection may do."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.errors import SettingsError
from gateway.settings import Settings
from gateway.store.secrets import SecretBox
from gateway.web.app import create_app, services_of
from gateway.web.connections import bounded_protocol
from gateway.web.services import Services
from gateway.web.signals import ending_signals
from gateway.web.timing import USUAL, Timing

OnReady = Callable[[Services, str], Awaitable[None]]
"""Told the open services and the gateway's URL before the first request is answered."""

# Longer than clients keep idle connections, so that it is they who close.
KEEP_ALIVE = 90  # seconds
CANCELLED_LIMIT = 5.0  # seconds in which a request that is cancelled ends

log = structlog.get_logger("gateway.server")


class _Server(uvicorn.Server):
    """Says when it is listening, and leaves signals to others.

    uvicorn lets them end the process as soon as it has stopped itself; by then requests have yet to
    be written down.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # Those that ran out of time are only told to end so far; what they used is still to come.
        if left := set(self.server_state.tasks):
            if self.force_exit:  # nobody has told them
                for task in left:
                    task.cancel()
            await asyncio.wait(left, timeout=CANCELLED_LIMIT)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415  # not to be had on Windows

    return uvloop.new_event_loop


def _config(
    app: ASGIApp, *, drain: float, tls: tuple[str, str] | None = None, timing: Timing = USUAL
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=bounded_protocol(timing),
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(drain)),
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        SettingsError: the address cannot be had; says which setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as exc:
        sock.close()
        raise SettingsError(
            f"Cannot listen on {host} port {port}: {exc.strerror or exc}. Choose another with "
            "--port, or stop the program that uses it."
        ) from exc
    sock.setblocking(False)
    return sock


def url_of(sock: socket.socket, scheme: str = "http") -> str:
    """The address people paste: loopback where the socket listens everywhere."""
    host, port = sock.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@asynccontextmanager
async def running(
    app: ASGIApp, *sockets: socket.socket, drain: float = 1.0, timing: Timing = USUAL
) -> AsyncIterator[str]:
    """Serve `app` on sockets while the block runs; gives the URL of the first.

    Its lifespan is not run: what is served here is open already.
    """
    server = _Server(_config(app, drain=drain, timing=timing))
    url = url_of(sockets[0])
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, list(sockets))
        await server.listening.wait()
        try:
            yield url
        except Exception as exc:  # goes on as it is, not wrapped by the group
            failure = exc
        finally:
            server.should_exit = True
    for sock in sockets:
        sock.close()
    if failure is not None:
        raise failure


@asynccontextmanager
async def running_gateway(
    settings: Settings,
    secrets: SecretBox,
    *,
    sock: socket.socket | None = None,
    timing: Timing = USUAL,
) -> AsyncIterator[tuple[str, Starlette]]:
    """A whole gateway while the block runs; gives its URL and the application."""
    app = create_app(settings, secrets, timing=timing)
    async with app.router.lifespan_context(app):
        listening = sock or listen(settings.server.host, settings.server.port)
        drain = settings.server.drain_timeout_seconds
        async with running(app, listening, drain=drain, timing=timing) as url:
            yield url, app


def serve(settings: Settings, secrets: SecretBox, *, on_ready: OnReady | None = None) -> None:
    """Run the gateway until SIGINT or SIGTERM; running streams may finish before it returns.

    The signal is raised again afterwards, so that whoever started the process sees why it ended.

    Raises:
        SettingsError: the address or the TLS files cannot be used.
        StoreError: the database cannot be opened.
    """
    tls = _tls_files(settings)
    sock = listen(settings.server.host, settings.server.port)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            caught = runner.run(_serve(settings, secrets, sock, tls, on_ready))
    finally:
        sock.close()
    for one in caught[:1]:
        signal.raise_signal(one)


async def _serve(
    settings: Settings,
    secrets: SecretBox,
    sock: socket.socket,
    tls: tuple[str, str] | None,
    on_ready: OnReady | None,
) -> list[signal.Signals]:
    """Serve until a signal comes and everything is closed; gives the signals."""
    app = create_app(settings, secrets)
    server = _Server(_config(app, drain=settings.server.drain_timeout_seconds, tls=tls))

    def stop(sig: signal.Signals, count: int) -> None:
        """Tell load balancers at once that no more requests should come."""
        if (services := getattr(app.state, "services", None)) is not None:
            services.draining = True
        server.should_exit = True
        server.force_exit = count > 1  # waits for no stream any more
        log.info("stopping" if count == 1 else "stopping at once", signal=sig.name)

    with ending_signals(stop) as caught:
        async with app.router.lifespan_context(app):
            url = url_of(sock, "https" if tls else "http")
            log.info(
                "listening", url=url, address=f"{settings.server.host}:{sock.getsockname()[1]}"
            )
            if on_ready is not None:
                await on_ready(services_of(app), url)
            # What start-up made stays; looking through it again and again would cost every stream.
            gc.collect()
            gc.freeze()
            await server.serve([sock])
        log.info("stopped")
    return caught


def _tls_files(settings: Settings) -> tuple[str, str] | None:
    cert, key = settings.server.tls_cert, settings.server.tls_key
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise SettingsError("server.tls_cert and server.tls_key go together; one is missing.")
    for name, path in (("server.tls_cert", cert), ("server.tls_key", key)):
        if not Path(path).expanduser().is_file():
            raise SettingsError(f"{name}: there is no file {path}.")
    return str(Path(cert).expanduser()), str(Path(key).expanduser())
