"""One request to a sign-in service, and its answer: bounded, timed, in the services' spellings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import anyio
import httpx
import msgspec
import structlog

from gateway.errors import UpstreamBadGateway, UpstreamTimeout
from gateway.upstream.http import network_errors

TIMEOUT = 30.0  # seconds for the whole exchange
MAX_ANSWER = 1024 * 1024  # bytes
DEFAULT_LIFETIME = 3600  # seconds of a token, where the answer names none
CLOCK_TOLERANCE = timedelta(seconds=60)
LONGEST = 315_360_000  # seconds, ten years: nothing in these answers lasts longer

log = structlog.get_logger("gateway.signin")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `members` is empty when the body is no JSON object."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def members(self) -> Mapping[str, object]:
        """The members of the JSON object in the body."""
        return _members(self.body)

    def text(self, *names: str) -> str | None:
        """The first of these members that is a text with something in it."""
        members = self.members
        values = (members.get(name) for name in names)
        return next((value for value in values if isinstance(value, str) and value), None)

    def seconds(self, *names: str) -> float | None:
        """The first of these members that is a number of seconds."""
        members = self.members
        values = (seconds(members.get(name)) for name in names)
        return next((value for value in values if value is not None), None)

    @property
    def code(self) -> str:
        """What the service calls its error; see `error_code`."""
        return error_code(self.headers, self.body)


async def ask(
    http: httpx.AsyncClient,
    request: httpx.Request,
    what: str = "the sign-in service",
    *,
    limit: int = MAX_ANSWER,
    timeout: float = TIMEOUT,  # noqa: ASYNC109  # the limit is the protocol's, not the caller's
) -> Answer:
    """Send a request and read its answer, whatever its status. Redirects are not followed.

    Raises:
        UpstreamError: no answer in time, none at all, or one beyond `limit` bytes.
    """
    try:
        with anyio.fail_after(timeout), network_errors(what):
            response = await http.send(request, stream=True, follow_redirects=False)
            try:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > limit:
                        raise UpstreamBadGateway(
                            f"{what[:1].upper()}{what[1:]} answers with far more than was asked."
                        )
            finally:
                with anyio.move_on_after(2, shield=True):
                    await response.aclose()
    except TimeoutError as exc:
        raise UpstreamTimeout(
            f"{what[:1].upper()}{what[1:]} did not answer in time.", code="timeout"
        ) from exc
    return Answer(response.status_code, response.headers, bytes(body))


def json_request(http: httpx.AsyncClient, url: str, body: Mapping[str, object]) -> httpx.Request:
    """A POST as Kiro's and AWS's sign-in services want it."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    return http.build_request("POST", url, headers=headers, content=msgspec.json.encode(body))


def error_code(headers: Mapping[str, str], body: bytes) -> str:
    """What a sign-in service calls its error, in one spelling: lower case letters and digits.

    OAuth's `invalid_grant` in `error` and AWS's `InvalidGrantException` in `__type` or the header
    `x-amzn-errortype` both give "invalidgrant"; "" when it gives no name.
    """
    members = _members(body)
    for name in (members.get("error"), members.get("__type"), headers.get("x-amzn-errortype")):
        if isinstance(name, str) and name:
            word = name.rpartition("#")[2].partition(":")[0]
            return re.sub(r"[^a-z0-9]", "", word.lower()).removesuffix("exception")
    return ""


def seconds(value: object) -> float | None:
    """A positive number of seconds, written as number or text; at most ten years."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 < number < LONGEST else None


def check_clock(date: str | None, now: datetime) -> None:
    """Token lifetimes are counted on our clock; say so when it is visibly wrong."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return
    if theirs.tzinfo is not None and abs(theirs - now) > CLOCK_TOLERANCE:
        ahead = round((now - theirs).total_seconds())
        log.warning("the clock differs from the sign-in service's", seconds_ahead=ahead)


def _members(body: bytes) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError):
        return {}
