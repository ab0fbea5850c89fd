"""Places that a gateway's notifications can be sent to: `/_sim/webhooks/{kind}/{name}`.

Each kind refuses what the real one would: Teams workflows and Slack by their published limits and
forms, our own document by its page in the manual.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.simulator.delivery import Disturbance

REMEMBERED = 1000  # messages
TEAMS_LIMIT = 28 * 1024  # bytes of a message
SLACK_BLOCKS, SLACK_HEADER, SLACK_TEXT = 50, 150, 3000

JsonObject = Mapping[str, Any]


class Refused(Exception):
    """The place does not take this message; says why, as the real one would."""


class WebhookOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`PUT /_sim/webhooks`: what the next messages to a name meet, before they are looked at.

    `status` is answered, with `retry_after` and `location` as headers; `trouble` breaks the
    connection or says nothing until the sender hangs up. `times` null: until reset.
    """

    name: str
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 500
    retry_after: str | None = None
    location: str | None = None
    trouble: Literal["reset", "silence"] | None = None
    times: int | None = 1


@dataclass(slots=True)
class Received:
    """One message, and what became of it: the status, or the trouble it met."""

    kind: str
    name: str
    outcome: int | str
    headers: Mapping[str, str]
    body: Any
    at: float

    def as_json(self) -> dict[str, object]:
        """As the control API shows it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Mailroom:
    """All places of one simulator."""

    received: deque[Received] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    armed: dict[str, list[WebhookOrder]] = field(default_factory=dict)
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def clear(self) -> None:
        """Back to the start."""
        self.received.clear()
        self.armed.clear()

    def arm(self, order: WebhookOrder) -> None:
        """Let something happen to the next messages."""
        self.armed.setdefault(order.name, []).append(order)

    def next_order(self, name: str) -> WebhookOrder | None:
        """What the next message to a name meets; uses it up."""
        waiting = self.armed.get(name)
        if not waiting:
            return None
        order = waiting[0]
        if order.times is not None:
            order.times -= 1
            if order.times <= 0:
                waiting.pop(0)
        return order

    def put(self, message: Received) -> None:
        """Keep a message, and wake who waits for it."""
        self.received.append(message)
        self._changed.set()
        self._changed = anyio.Event()

    def sent_to(self, name: str | None) -> list[Received]:
        """The messages to a name, oldest first; None: to any."""
        return [one for one in self.received if name in {None, one.name}]

    async def wait_for(self, name: str | None, count: int) -> list[Received]:
        """The same, once there are so many."""
        while len(found := self.sent_to(name)) < count:
            await self._changed.wait()
        return found


async def receive(mailroom: Mailroom, request: Request, now: float) -> Response:
    """POST /_sim/webhooks/{kind}/{name}."""
    kind, name = request.path_params["kind"], request.path_params["name"]
    raw = await request.body()
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = raw.decode("utf-8", "replace")
    order = mailroom.next_order(name)
    response, outcome = _answer(kind, raw, body, request) if order is None else _obey(order)
    headers = dict(request.headers)
    mailroom.put(Received(kind, name, outcome, headers, body, now))
    return response


def _obey(order: WebhookOrder) -> tuple[Response, int | str]:
    if order.trouble is not None:
        return Disturbance(reset=order.trouble == "reset"), order.trouble
    headers = {"retry-after": order.retry_after, "location": order.location}
    given = {name: value for name, value in headers.items() if value is not None}
    return Response(b"", order.status, given), order.status


def _answer(kind: str, raw: bytes, body: object, request: Request) -> tuple[Response, int | str]:
    if kind not in _KINDS:
        return Response(b"", 404), 404
    check, well, text = _KINDS[kind]
    media_type = request.headers.get("content-type", "").partition(";")[0]
    try:
        if media_type != "application/json" or not isinstance(body, dict):
            raise Refused("invalid_payload")
        if kind == "teams" and len(raw) > TEAMS_LIMIT:
            raise Refused("RequestEntityTooLarge")
        check(body)
    except Refused as exc:
        return Response(str(exc), 400, media_type="text/plain"), 400
    return Response(text, well, media_type="text/plain"), well


def check_teams(body: JsonObject) -> None:
    """An adaptive card in a message, as the trigger of a Teams workflow takes it."""
    attachments = body.get("attachments")
    if body.get("type") != "message" or not isinstance(attachments, list) or not attachments:
        raise Refused("a message with attachments is wanted")
    for attachment in attachments:
        card = attachment.get("content")
        if attachment.get("contentType") != "application/vnd.microsoft.card.adaptive":
            raise Refused("contentType is that of no adaptive card")
        if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
            raise Refused("content is no adaptive card")
        if not re.fullmatch(r"1\.[0-6]", str(card.get("version"))):
            raise Refused("version is unknown")
        elements: list[JsonObject] = card.get("body") or [{}]
        for element in elements:
            text = element.get("text")
            if element.get("type") != "TextBlock" or not isinstance(text, str) or not text:
                raise Refused("body holds what is no text block")


def check_slack(body: JsonObject) -> None:
    """Blocks of an incoming webhook; links and mentions would be wrong in any of our texts."""
    if not isinstance(body.get("text"), str) or not body["text"]:
        raise Refused("no_text")
    blocks = body.get("blocks")
    if not isinstance(blocks, list) or not 0 < len(blocks) <= SLACK_BLOCKS:
        raise Refused("invalid_blocks")
    for block in blocks:
        text = block.get("text") or {}
        wanted = {"header": ("plain_text", SLACK_HEADER), "section": ("mrkdwn", SLACK_TEXT)}
        kind, longest = wanted.get(block.get("type"), ("", 0))
        content = text.get("text")
        if text.get("type") != kind or not isinstance(content, str):
            raise Refused("invalid_blocks")
        if not 0 < len(content) <= longest:
            raise Refused("invalid_blocks")
        if kind == "mrkdwn" and re.search(r"[<>]|&(?!amp;|lt;|gt;)", content):
            raise Refused("invalid_blocks_format")


def check_webhook(body: JsonObject) -> None:
    """The document that docs/notifications.md describes."""
    shape = {
        "version": int,
        "type": str,
        "id": str,
        "time": str,
        "gateway_version": str,
        "language": str,
        "title": str,
        "text": str,
        "facts": dict,
    }
    wrong = [name for name, kind in shape.items() if not isinstance(body.get(name), kind)]
    if wrong or set(body) != set(shape):
        raise Refused("not the documented members: " + ", ".join(wrong or sorted(body)))


_KINDS: Mapping[str, tuple[Callable[[JsonObject], None], int, str]] = {
    "teams": (check_teams, 202, ""),
    "slack": (check_slack, 200, "ok"),
    "webhook": (check_webhook, 204, ""),
}
