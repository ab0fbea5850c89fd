"""Which release is the newest, seen without downloading it."""

from gateway import __version__
from gateway.update.download import ReleaseServer
from gateway.update.release import Release, this_system
from gateway.update.versions import Version
from gateway.upstream.http import HttpClients


async def find_newest(url: str, *, proxy: str | None = None) -> tuple[Release, bool]:
    """The newest release below `url`, its signature checked, and whether it is newer than this one.

    Raises:
        UpdateFailed: nobody can tell; says why.
    """
    clients = HttpClients(f"kiro-gateway/{__version__}")
    try:
        release = await ReleaseServer(clients, url, proxy=proxy).find(None, this_system())
    finally:
        await clients.aclose()
    return release, release.version > Version.parse(__version__)
