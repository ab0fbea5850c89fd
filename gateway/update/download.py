"""Fetching a release: `latest/download/FILE` and `download/v1.2.3/FILE` below one address."""

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx

from gateway.errors import UpdateFailed, UpstreamTimeout, UpstreamUnreachable
from gateway.update.release import SIGNATURE, SUMS, Release, read_release
from gateway.update.versions import Version
from gateway.upstream.http import HttpClients, is_loopback, network_errors

RELEASES = "https://github.com/pinealctx/kiro-gateway/releases"
VARIABLE = "KIRO_GATEWAY_RELEASES_URL"

SERVER = "the release server"
LARGEST_LIST = 1024 * 1024  # bytes of SHA256SUMS
LARGEST_ARCHIVE = 500 * 1024 * 1024  # bytes
REDIRECTS = 5
ATTEMPTS = 4
PAUSE = 0.5  # seconds before the second attempt, doubling
SILENCE = 60.0  # seconds without a byte

Progress = Callable[[int, int | None], None]
"""Told the bytes that are here, and how many there will be if that is known."""

_PARTIAL: Final = 206


class ReleaseServer:
    """Where releases come from.

    Args:
        clients: HTTP clients.
        url: the address below which they are; https, or http on this machine.
        proxy: to go through; else what the environment says (HTTPS_PROXY, NO_PROXY, …).
        sleep: waits between attempts.

    Raises:
        UpdateFailed: of every method: the server cannot be reached, has no such release, or what
            it has is not ours. Says what to do.
    """

    def __init__(
        self,
        clients: HttpClients,
        url: str,
        *,
        proxy: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._clients = clients
        self._url = url.rstrip("/")
        self._proxy = proxy
        self._sleep = sleep
        _check_scheme(self._url)

    async def find(
        self, version: Version | None, system: str, *, keys: tuple[str, ...] | None = None
    ) -> Release:
        """The release of a version, else the newest one; its signature is checked."""
        folder = f"download/v{version}" if version else "latest/download"
        name = f"v{version}" if version else "newest release"
        sums = await self._small(f"{folder}/{SUMS}", name)
        signature = await self._small(f"{folder}/{SIGNATURE}", name)
        release = read_release(sums, signature, system, keys=keys)
        if version is not None and release.version != version:
            raise UpdateFailed(f"Asked for v{version}, the server sent v{release.version}.")
        return release

    async def fetch(self, release: Release, into: Path, progress: Progress) -> None:
        """Download an archive, going on where it broke off, and check its hash."""
        path = f"download/v{release.version}/{release.archive}"
        pause = PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._append(path, release, into, progress)
                break
            except (UpstreamTimeout, UpstreamUnreachable) as exc:
                if attempt == ATTEMPTS:
                    raise UpdateFailed(
                        f"The download broke off. {exc} Nothing was changed."
                    ) from exc
                await self._sleep(pause)
                pause *= 2
        if await anyio.to_thread.run_sync(_sha256, into) != release.sha256:
            raise UpdateFailed(
                f"The checksum of {release.archive} is wrong: it is damaged or not ours. Nothing "
                "was changed."
            )

    async def _append(self, path: str, release: Release, into: Path, progress: Progress) -> None:
        have = await anyio.to_thread.run_sync(_size, into)
        headers = {"range": f"bytes={have}-"} if have else {}
        async with self._opened(path, f"v{release.version}", headers) as response:
            if response.status_code != _PARTIAL:
                have = 0
            length = response.headers.get("content-length", "")
            total = have + int(length) if length.isdigit() else None
            with into.open("ab" if have else "wb") as file:
                async with aclosing(_chunks(response)) as chunks:
                    async for chunk in chunks:
                        have += len(chunk)
                        if have > LARGEST_ARCHIVE:
                            raise UpdateFailed("The download is larger than any release of ours.")
                        file.write(chunk)
                        progress(have, total)
            if total is not None and have < total:
                raise UpstreamUnreachable("The connection was cut.")

    async def _small(self, path: str, name: str) -> bytes:
        try:
            async with self._opened(path, name, {}) as response:
                body = b""
                async with aclosing(_chunks(response)) as chunks:
                    async for chunk in chunks:
                        body += chunk
                        if len(body) > LARGEST_LIST:
                            raise UpdateFailed(f"{path} is larger than any list of ours.")
                return body
        except (UpstreamTimeout, UpstreamUnreachable) as exc:
            raise UpdateFailed(str(exc)) from exc

    @asynccontextmanager
    async def _opened(
        self, path: str, name: str, headers: dict[str, str]
    ) -> AsyncGenerator[httpx.Response]:
        url = f"{self._url}/{path}"
        for _ in range(REDIRECTS):
            client = self._clients.client_for(url, self._proxy or _proxy_of(url))
            request = client.build_request(
                "GET", url, headers={"accept-encoding": "identity", **headers}
            )
            request.extensions["timeout"]["read"] = SILENCE
            with network_errors(SERVER):
                response = await client.send(request, stream=True)
            try:
                if response.has_redirect_location:
                    url = urljoin(url, response.headers["location"])
                    _check_scheme(url)
                    continue
                if response.status_code not in {200, _PARTIAL}:
                    raise _refusal(response, name)
                yield response
            finally:
                await response.aclose()
            return
        raise UpdateFailed("The release server redirects in circles.")


def _check_scheme(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    ):
        raise UpdateFailed(
            f"Releases come over https only, not from {parts.scheme}://. Check {VARIABLE}."
        )


def _proxy_of(url: str) -> str | None:
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes]:
    # Not around what is done with them: a full disk is no network failure.
    with network_errors(SERVER):
        async for chunk in response.aiter_raw():
            yield chunk


def _refusal(response: httpx.Response, name: str) -> UpdateFailed:
    status = response.status_code
    if status == 404:
        return UpdateFailed(f"The release server does not have it: {name}.")
    remaining = response.headers.get("x-ratelimit-remaining")
    if status == 429 or (status == 403 and (remaining == "0" or "retry-after" in response.headers)):
        return UpdateFailed(
            f"The release server wants fewer requests. Try again {_when(response.headers)}."
        )
    return UpdateFailed(f"The release server answers with status {status}. Try again later.")


def _when(headers: httpx.Headers) -> str:
    if (seconds := headers.get("retry-after", "")).isdigit():
        return f"in {max(1, round(int(seconds) / 60))} min"
    if (moment := headers.get("x-ratelimit-reset", "")).isdigit():
        return f"after {datetime.fromtimestamp(int(moment), UTC):%H:%M} UTC"
    return "later"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
