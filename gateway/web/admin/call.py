"""One call of the admin API as its routes see it, and the routes themselves."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from gateway.errors import InvalidRequest
from gateway.web.admin.client_address import ClientAddress
from gateway.web.admin.wording import wrong_input
from gateway.web.exchange import Exchange
from gateway.web.openapi.operation import Operation
from gateway.web.services import Services

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Call:
    """What came, from where, and what may be used to answer it.

    `variables` are the parts of the path that its route leaves open, unquoted.
    """

    exchange: Exchange
    operation: Operation
    client: ClientAddress
    variables: Mapping[str, str]

    @property
    def services(self) -> Services:
        """What the routes work with."""
        return self.exchange.services

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    def query(self, kind: type[T]) -> T:
        """The query parameters; those that the operation does not know are passed over.

        Raises:
            InvalidRequest: one has a value that it must not have.
        """
        assert kind is self.operation.query, "the document would describe something else"
        try:
            return msgspec.convert(dict(self.exchange.query), kind, strict=False)
        except msgspec.ValidationError as exc:
            raise InvalidRequest(wrong_input(exc, kind)) from exc

    async def body(self, kind: type[T], *, ignoring: Collection[str] = ()) -> T:
        """The JSON body; an empty one counts as an empty object where none is required.

        Args:
            kind: what it must be.
            ignoring: members that may come along although nothing is done with them, because
                clients send back what they were given.

        Raises:
            InvalidRequest: it is something else.
        """
        assert kind is self.operation.body, "the document would describe something else"
        raw = (await self.exchange.body()).strip()
        if not raw:
            if self.operation.body_required:
                raise InvalidRequest("The request needs a body: a JSON object.")
            raw = b"{}"
        try:
            if ignoring:
                members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
                kept = {name: value for name, value in members.items() if name not in ignoring}
                raw = msgspec.json.encode(kept)
            return msgspec.json.decode(raw, type=kind)
        except msgspec.ValidationError as exc:
            raise InvalidRequest(wrong_input(exc, kind)) from exc
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise InvalidRequest(f"The body is no JSON that can be read: {exc}") from exc


Handler = Callable[[Call], Awaitable[msgspec.Struct | None]]
"""Answers a call: what it returns is sent as the JSON of the operation's first reply, None when it
has sent its answer itself."""


@dataclass(frozen=True, slots=True)
class Route:
    """An operation, and who answers it."""

    operation: Operation
    handler: Handler
