"""Kiro's operations over HTTP: generation as a stream of bytes, the others as one JSON answer."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

import aiohttp
import anyio
import httpx
import structlog

from gateway.errors import AccountSignInFailed, UpstreamError, UpstreamTimeout, UpstreamUntrusted
from gateway.kiro.failures import classify, raw_excerpt
from gateway.logs import is_debugging
from gateway.redact import redact_headers, redact_text
from gateway.store.accounts import Account
from gateway.upstream.http import HttpClients, network_errors, translate

API_REGIONS = ("us-east-1", "eu-central-1")
DEFAULT_REGION = "us-east-1"

STREAMING_TARGET = "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"
MANAGEMENT_TARGET = "AmazonCodeWhispererService."
# The model list carries a JSON Schema for each model and outgrows smaller caps.
MAX_ANSWER = 4 * 1024 * 1024  # bytes
MAX_ERROR_BODY = 64 * 1024  # bytes
ERROR_BODY_TIMEOUT = 10.0  # seconds
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MANAGEMENT_TIMEOUT = 30.0  # seconds
SHOWN = 8192  # characters of a body in the log at debug

log = structlog.get_logger("gateway.upstream")


class ServiceSettings(Protocol):
    """The `upstream` settings that matter here."""

    @property
    def runtime_url(self) -> str: ...  # noqa: D102
    @property
    def management_url(self) -> str: ...  # noqa: D102
    @property
    def proxy(self) -> str | None: ...  # noqa: D102
    @property
    def user_agent(self) -> str: ...  # noqa: D102
    @property
    def origin(self) -> str: ...  # noqa: D102
    @property
    def optout(self) -> bool: ...  # noqa: D102


def api_region(account: Account) -> str:
    """The region of an account's API: its override, its profile ARN's if known, the default.

    Never the sign-in region: most of those have no such host.
    """
    if account.api_region:
        return account.api_region
    fields = (account.profile_arn or "").split(":")
    region = fields[3] if len(fields) > 5 else ""
    return region if region in API_REGIONS else DEFAULT_REGION


def bearer_of(account: Account) -> str:
    """What an account presents to the service: its access token, or its API key."""
    credentials = account.credentials
    assert credentials is not None, "an account without credentials is never asked to serve"
    api_key = account.auth_method == "api_key"
    return (credentials.api_key if api_key else credentials.access_token) or ""


def token_refused(error: AccountSignInFailed, account: Account) -> AccountSignInFailed:
    """The same refusal, saying whose token it was."""
    return AccountSignInFailed(
        f'Kiro refuses the token of account "{account.name}". Sign the account in again.',
        code=error.code,
        upstream_status=error.upstream_status,
        reason=error.reason,
        request_id=error.request_id,
    )


class Generation:
    """An open answer, read as bytes of an event stream. Close it with `close`.

    A silence of `idle_timeout` seconds (0: any) ends it. One timer watches for that, rather than
    one for each read, and looks when the last read began. While nobody reads, because the client is
    slow to take what there is, it is not upstream that is silent.
    """

    def __init__(self, response: aiohttp.ClientResponse, *, idle_timeout: float) -> None:
        self._response = response
        self._reader = response.content
        self._loop = asyncio.get_running_loop()
        self._idle_timeout = idle_timeout
        self._read_at = self._loop.time()
        self._reading = False
        self._timer: asyncio.TimerHandle | None = None
        if idle_timeout > 0:
            self._timer = self._loop.call_later(idle_timeout, self._look)
        self.request_id = response.headers.get("x-amzn-requestid", "")
        self._traced = is_debugging()

    async def read(self) -> bytes:
        """What has arrived, at least one byte; b"" once upstream has closed.

        Raises:
            UpstreamTimeout: silence for longer than the idle timeout.
            UpstreamUnreachable: the connection broke.
        """
        self._reading = True
        self._read_at = self._loop.time()
        try:
            chunk: bytes = await self._reader.readany()
        except Exception as exc:
            if (translated := translate(exc, "Kiro")) is not None:
                raise translated from exc
            raise
        self._reading = False
        if self._traced:
            log.debug(
                "upstream sent",
                upstream_request_id=self.request_id,
                body=redact_text(chunk.decode("utf-8", "replace"), SHOWN),
            )
        return chunk

    def close(self) -> None:
        """Close the connection at once, unless the answer was read to its end."""
        if self._timer is not None:
            self._timer.cancel()
        self._response.close()

    def _look(self) -> None:
        left = self._idle_timeout
        if self._reading:
            left += self._read_at - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._reader.set_exception(TimeoutError())


class KiroService:
    """Every operation takes the account it is for, with a token that was valid a moment ago."""

    def __init__(self, clients: HttpClients, settings: ServiceSettings) -> None:
        self._clients = clients
        self._settings = settings

    @property
    def origin(self) -> str:
        """What requests name as their `origin`."""
        return self._settings.origin

    async def generate(self, account: Account, body: bytes, *, idle_timeout: float) -> Generation:
        """POST GenerateAssistantResponse.

        `idle_timeout` (seconds, 0 = none) bounds each silence of an answer. How long to wait for
        the answer to begin is the caller's to say.

        Raises:
            UpstreamError: any answer but 200, classified; or none.
        """
        url = self._url(self._settings.runtime_url, account) + "/generateAssistantResponse"
        headers = self._headers(account)
        headers["content-type"] = "application/x-amz-json-1.0"
        headers["x-amz-target"] = STREAMING_TARGET
        # Compressed event streams would arrive in lumps.
        headers["accept-encoding"] = "identity"
        pool = self._clients.pool_for(url, account.proxy or self._settings.proxy)
        trace("POST", url, headers, body)
        with network_errors("Kiro"):
            response = await pool.post_stream(url, headers, body)
        trace_answer(response.status, response.headers)
        if response.status == 200:
            return Generation(response, idle_timeout=idle_timeout)
        try:
            refusal = b""
            # Without its body, the answer still has a status and headers that say enough.
            limit = anyio.move_on_after(ERROR_BODY_TIMEOUT)
            with limit, suppress(UpstreamError), network_errors("Kiro"):
                async for chunk in response.content.iter_any():
                    refusal = (refusal + chunk)[:MAX_ERROR_BODY]
                    if len(refusal) == MAX_ERROR_BODY:
                        break
            raise self._classified(response.status, response.headers, refusal, account)
        finally:
            response.close()

    async def call(
        self,
        account: Account,
        operation: str,
        body: bytes,
        *,
        region: str | None = None,
    ) -> bytes:
        """POST a management operation, such as `ListAvailableModels`; returns its JSON answer.

        Raises:
            UpstreamError: any answer but 200, classified; or none within thirty seconds.
        """
        url = self._url(self._settings.management_url, account, region) + "/"
        headers = self._headers(account)
        headers["content-type"] = "application/x-amz-json-1.0"
        headers["x-amz-target"] = MANAGEMENT_TARGET + operation
        return await self._exchange(account, "POST", url, headers, body, {})

    async def get(self, account: Account, path: str, params: Mapping[str, str]) -> bytes:
        """GET a management operation in its REST form, such as `/getUsageLimits`; as `call`."""
        url = self._url(self._settings.management_url, account) + path
        return await self._exchange(account, "GET", url, self._headers(account), b"", params)

    async def _exchange(
        self,
        account: Account,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        params: Mapping[str, str],
    ) -> bytes:
        client = self._clients.client_for(url, account.proxy or self._settings.proxy)
        request = client.build_request(
            method, url, headers=headers, content=body or None, params=params or None
        )
        trace(method, url, request.headers, body)
        try:
            with anyio.fail_after(MANAGEMENT_TIMEOUT), network_errors("Kiro"):
                response = await client.send(request, stream=True)
                try:
                    answer = await _read(response, MAX_ANSWER)
                    status = response.status_code
                    trace_answer(status, response.headers, answer)
                    if status != 200:
                        raise self._classified(status, response.headers, answer, account)
                    return answer
                finally:
                    with anyio.move_on_after(2, shield=True):
                        await response.aclose()
        except TimeoutError as exc:
            raise UpstreamTimeout(
                "Kiro did not answer in time. Try again.", code="timeout"
            ) from exc

    def _url(self, template: str, account: Account, region: str | None = None) -> str:
        return template.replace("{region}", region or api_region(account)).rstrip("/")

    def _headers(self, account: Account) -> dict[str, str]:
        headers = {
            "authorization": f"Bearer {bearer_of(account)}",
            "user-agent": self._settings.user_agent,
            "x-amz-user-agent": self._settings.user_agent,
            "x-amzn-codewhisperer-optout": "true" if self._settings.optout else "false",
        }
        # Needed for these two kinds, and refused for all others.
        if account.auth_method == "api_key":
            headers["tokentype"] = "API_KEY"
        elif account.auth_method == "external_idp":
            headers["tokentype"] = "EXTERNAL_IDP"
        return headers

    def _classified(
        self, status: int, headers: Mapping[str, str], body: bytes, account: Account
    ) -> Exception:
        log.info(
            "upstream refused",
            account=account.name,
            status=status,
            upstream_request_id=headers.get("x-amzn-requestid", ""),
            body=redact_text(raw_excerpt(body), 1024),
        )
        if status in REDIRECTS:
            return UpstreamUntrusted(
                "Kiro's address answers with a redirect. Check upstream.runtime_url and the proxy.",
                code="upstream_unreachable",
            )
        error = classify(status, headers, body)
        return token_refused(error, account) if isinstance(error, AccountSignInFailed) else error


async def _read(response: httpx.Response, limit: int) -> bytes:
    """At most `limit` bytes of a body; what is beyond is cut."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= limit:
            break
    return bytes(body[:limit])


def trace(method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Log a request whole, at debug only, its secrets redacted."""
    if is_debugging():
        log.debug(
            "upstream request",
            method=method,
            url=url,
            headers=redact_headers(dict(headers)),
            body=redact_text(body.decode("utf-8", "replace"), SHOWN),
        )


def trace_answer(status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    """The same for the head of an answer, and its body where it is read at once."""
    if is_debugging():
        log.debug(
            "upstream answer",
            status=status,
            headers=redact_headers(dict(headers)),
            body=redact_text(body.decode("utf-8", "replace"), SHOWN),
        )
