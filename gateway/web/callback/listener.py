"""Listening on loopback for browsers that come back, for as long as a sign-in waits for one.

One listener serves every sign-in on its port: the state in an address says which one is meant.
"""

import errno
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup
from starlette.types import ASGIApp

from gateway.errors import Conflict
from gateway.logins.logins import Logins
from gateway.upstream.signin.portal import PORTS
from gateway.web.timing import USUAL, Timing

DRAIN = 5.0  # seconds for the last page to get to its browser

AppFor = Callable[[Logins, int], ASGIApp]


@dataclass(slots=True)
class _Listener:
    """An open port, how many sign-ins need it, and how to end it."""

    leases: int = 1
    listening: anyio.Event = field(default_factory=anyio.Event)
    ending: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)


class CallbackListeners:
    """Opens and shares ports. They are served in `tasks`."""

    def __init__(
        self,
        tasks: TaskGroup,
        app_for: AppFor,
        *,
        timing: Timing = USUAL,
        ports: Sequence[int] = PORTS,
    ) -> None:
        self._ports = ports
        self._tasks = tasks
        self._app_for = app_for
        self._timing = timing
        self._open: dict[int, _Listener] = {}

    async def open(self, port: int | None, logins: Logins) -> int:
        """Listen on `port`, by default on the first free one that the sign-in page knows.

        Raises:
            Conflict: it, or each of those, is taken by another program.
        """
        in_use = [each for each in self._ports if self._is_open(each)]
        wanted = (port,) if port is not None else (*in_use, *self._ports)
        for candidate in wanted:
            while (known := self._open.get(candidate)) is not None and known.ending.is_set():
                # The sign-in before this one has just ended; its last page is on its way.
                await known.ended.wait()
            if known is not None:
                known.leases += 1
                await self._listening(candidate, known)
                return candidate
            if (sockets := _bind(candidate)) is not None:
                listener = self._open[candidate] = _Listener()
                app = self._app_for(logins, candidate)
                self._tasks.start_soon(self._serve, candidate, listener, sockets, app)
                await self._listening(candidate, listener)
                return candidate
        if port is not None:
            raise Conflict(
                f"Port {port} of this machine is taken by another program. Stop that, or leave the "
                "port out to take a free one."
            )
        ports = ", ".join(map(str, self._ports))
        raise Conflict(
            f"Every port that the sign-in page can come back to is taken: {ports}. Free one, or "
            "sign in with a device code."
        )

    def close(self, port: int) -> None:
        """Say that one sign-in less needs the port; without any it is closed."""
        listener = self._open[port]
        listener.leases -= 1
        if listener.leases == 0:
            listener.ending.set()

    def _is_open(self, port: int) -> bool:
        listener = self._open.get(port)
        return listener is not None and not listener.ending.is_set()

    async def _listening(self, port: int, listener: _Listener) -> None:
        try:
            await listener.listening.wait()
        except BaseException:
            self.close(port)
            raise

    async def _serve(
        self, port: int, listener: _Listener, sockets: list[socket.socket], app: ASGIApp
    ) -> None:
        # What serves the whole gateway also serves this; it imports the application, which has us.
        from gateway.web.server import running  # noqa: PLC0415

        try:
            # Not cancelled: a server ends by being told. The sign-ins are cancelled, and then
            # nobody needs it any more.
            with anyio.CancelScope(shield=True):
                async with running(app, *sockets, drain=DRAIN, timing=self._timing):
                    listener.listening.set()
                    await listener.ending.wait()
        finally:
            del self._open[port]
            listener.ended.set()


def _bind(port: int) -> list[socket.socket] | None:
    """Both loopback addresses, as `localhost` may mean either; None when one of them is taken.

    Were only one of them ours, another program could be sent our codes.
    """
    sockets = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            sockets.append(_bound(family, host, port))
        except OSError as exc:
            if family == socket.AF_INET6 and exc.errno in _WITHOUT_IPV6:
                continue
            for sock in sockets:
                sock.close()
            return None
    return sockets


_WITHOUT_IPV6 = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EINVAL}


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # A port that served the sign-in before this one is free, whatever lingers of it.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(64)
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
