"""The port: free, or taken, and by whom."""

import errno
import socket

import anyio
import httpx

from gateway import __version__
from gateway.doctor.findings import Finding
from gateway.settings import Settings

LIMIT = 3.0  # seconds for what listens there to say what it is
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # asked, not bound


async def check_port(settings: Settings) -> Finding:
    """Try to listen where the gateway would, and ask who does if somebody does."""
    host, port = settings.server.host, settings.server.port
    place = f"Port {port} on {host}"
    facts: dict[str, object] = {"host": host, "port": port}
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            sock.listen(1)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            return await _who_is_there(settings, place, facts)
        return Finding("port", "problem", f"{place}: {_reason(exc)}.", mend=_mend(exc), facts=facts)
    return Finding("port", "ok", f"{place} is free.", facts={**facts, "running": False})


async def _who_is_there(settings: Settings, place: str, facts: dict[str, object]) -> Finding:
    version = await _running_version(settings)
    if version is None:
        return Finding(
            "port",
            "problem",
            f"{place} is taken by another program.",
            mend="End that program, or choose another port with server.port or --port.",
            facts=facts,
        )
    facts |= {"running": True, "running_version": version}
    if version != __version__:
        return Finding(
            "port",
            "warning",
            f"A gateway runs there in version {version}, and this is {__version__}.",
            mend="Restart it to use this version.",
            facts=facts,
        )
    return Finding("port", "ok", f"{place} is served by a running gateway.", facts=facts)


async def _running_version(settings: Settings) -> str | None:
    """The version of the gateway that answers there; None: what answers is none."""
    host = WILDCARDS.get(settings.server.host, settings.server.host)
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.server.tls_cert else "http"
    # Whose certificate that is does not matter: nothing is told, and one word believed.
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=LIMIT) as client:  # noqa: S501
        try:
            with anyio.fail_after(LIMIT):
                answer = await client.get(
                    f"{scheme}://{host}:{settings.server.port}/",
                    headers={"accept": "application/json"},
                )
            told = answer.json()
        except (httpx.HTTPError, TimeoutError, ValueError):
            return None
    if not isinstance(told, dict) or told.get("name") != "Kiro Gateway":
        return None
    return str(told.get("version"))


def _reason(exc: OSError) -> str:
    return (exc.strerror or str(exc)).lower()


def _mend(exc: OSError) -> str:
    match exc.errno:
        case errno.EACCES | errno.EPERM:
            return "Ports below 1024 need special rights: choose one above with server.port."
        case errno.EADDRNOTAVAIL:
            return "server.host has to be an address of this machine, or 0.0.0.0 for all of them."
        case _:
            return "Look at server.host and server.port."
