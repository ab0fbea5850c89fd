"""A client's request in an admin's hands: what would be sent for it, and sending it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import InvalidRequest
from gateway.relay.facts import Facts
from gateway.relay.relay import Ask
from gateway.store.accounts import Account
from gateway.store.api_keys import NO_LIMITS, ApiKey
from gateway.store.usage import ADMIN, Origin
from gateway.web import runtime
from gateway.web.admin.call import Call
from gateway.web.admin.kiro import AccountName, Provider, chosen_account
from gateway.web.exchange import Exchange
from gateway.web.runtime import ClientApi

APIS: Mapping[str, ClientApi] = {
    "/v1/messages": runtime.ANTHROPIC,
    "/v1/chat/completions": runtime.OPENAI,
}

AnyObject = Annotated[
    msgspec.Raw, Meta(extra_json_schema={"type": "object", "additionalProperties": True})
]
"""A JSON object that is passed on byte for byte."""
Path = Annotated[str, Meta(max_length=1024, description="Such as /v1/messages.")]


class PreviewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request as a client would send it. The account may also stand in the path."""

    path: Path
    body: AnyObject
    headers: dict[str, str] = {}
    account: AccountName | None = None
    provider: Provider | None = None


class Preview(msgspec.Struct, frozen=True):
    """What would be sent; `notes` are conversion notes, `kind:subject`."""

    kiro_body: AnyObject
    model: str
    notes: list[str]
    bytes: int


async def preview(call: Call) -> Preview:
    """POST /admin/preview: exactly what would be sent for a request; nothing is."""
    order = await call.body(PreviewOrder)
    path, in_path = split_path(order.path)
    account = await chosen_account(call, order.account or order.provider or in_path)
    facts = Facts(request_id=call.exchange.facts.request_id)
    headers = {name.lower(): value for name, value in order.headers.items()}
    ask = _ask_for(path, bytes(order.body), account, facts, headers)
    model, body = await call.services.relay.preview(ask, account)
    return Preview(msgspec.Raw(body), model, [str(note) for note in facts.notes], len(body))


def _ask_for(
    path: str, body: bytes, account: Account, facts: Facts, headers: Mapping[str, str]
) -> Ask:
    """Read a client's request as its own route would, and direct it to an account."""
    api = api_at(path)
    conversation = api.parse(body)
    facts.model_asked = conversation.model
    facts.stream = conversation.stream
    for note in conversation.notes:
        facts.add_note(note)
    return Ask(
        conversation=conversation,
        account_id=account.id,
        new_translator=lambda: api.translator(conversation, False),
        facts=facts,
        caller_conversation_id=headers.get("x-kiro-conversation-id"),
    )


async def send_as_client(
    exchange: Exchange, path: str, api_key: ApiKey, body: bytes, origin: Origin
) -> None:
    """Answer with what the route at `path` would answer a key.

    The request counts as one of that route, and is marked as an admin's.

    Raises:
        GatewayError: what that route would refuse it with, before any answer has begun.
    """
    api, facts = api_at(path), exchange.facts
    facts.route, facts.origin = path, origin
    facts.api_key_id, facts.api_key_name = api_key.id, api_key.name
    account = runtime.account_for(exchange, api_key)
    await runtime.generation(exchange, api, api_key, account, body).send()


def as_client(exchange: Exchange, path: str, account: Account | None) -> Exchange:
    """The exchange as the route at `path` would see it, on an account if one is named."""
    return replace(
        exchange,
        dialect=runtime.dialect_of(path, exchange.headers),
        account=account.name if account else None,
    )


def key_of_admin(account: Account, now: datetime) -> ApiKey:
    """The key that an admin needs none of: for one account, without limits, and in no table."""
    return ApiKey(
        id=ADMIN,
        name=ADMIN,
        key_hash="",
        key_prefix="",
        enabled=True,
        account_ids=(account.id,),
        default_account_id=account.id,
        suppress_reasoning=False,
        failover=False,
        expires_at=None,
        last_used_at=None,
        notes="",
        limits=NO_LIMITS,
        created_at=now,
        updated_at=now,
    )


def api_at(path: str) -> ClientApi:
    """The client API whose generation route this is.

    Raises:
        InvalidRequest: none has this path.
    """
    api = APIS.get(path)
    if api is None:
        raise InvalidRequest(f"path: has to be one of {', '.join(APIS)}")
    return api


def split_path(path: str) -> tuple[str, str | None]:
    """The route's own path, and the account that the path names."""
    path = path.partition("?")[0].rstrip("/")
    if not path.startswith("/a/"):
        return path, None
    account, _, rest = path[3:].partition("/")
    return "/" + rest, account
