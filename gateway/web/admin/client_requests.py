"""A client's request in an admin's hands: what would be sent for it, and sending it."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.conversation import Conversation
from gateway.errors import InvalidRequest
from gateway.relay.facts import Facts
from gateway.relay.relay import Ask
from gateway.store.accounts import Account
from gateway.web import runtime
from gateway.web.admin.call import Call
from gateway.web.admin.kiro import AccountName, Provider, chosen_account
from gateway.web.runtime import ClientApi

APIS: Mapping[str, ClientApi] = {
    "/v1/messages": runtime.ANTHROPIC,
    "/v1/chat/completions": runtime.OPENAI,
}

AnyObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]
"""A JSON object that is passed on byte for byte."""


class PreviewOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request as a client would send it. The account may also stand in the path."""

    path: Annotated[str, Meta(max_length=1024, description="Such as /v1/messages.")]
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
    path, in_path = _parts(order.path)
    account = await chosen_account(call, order.account or order.provider or in_path)
    facts = Facts(request_id=call.exchange.facts.request_id)
    headers = {name.lower(): value for name, value in order.headers.items()}
    ask = ask_for(path, bytes(order.body), account, facts, headers=headers)
    model, body = await call.services.relay.preview(ask, account)
    return Preview(msgspec.Raw(body), model, [str(note) for note in facts.notes], len(body))


def ask_for(
    path: str, body: bytes, account: Account, facts: Facts, *, headers: Mapping[str, str]
) -> Ask:
    """Read a client's request as its own route would, and direct it to an account.

    Raises:
        InvalidRequest: no generation route has this path, or the body is none that it takes.
    """
    api = APIS.get(path)
    if api is None:
        raise InvalidRequest(f"path: has to be one of {', '.join(APIS)}")
    conversation = api.parse(body)
    note_conversation(facts, conversation)
    return Ask(
        conversation=conversation,
        account_id=account.id,
        new_translator=lambda: api.translator(conversation, False),
        facts=facts,
        caller_conversation_id=headers.get("x-kiro-conversation-id"),
    )


def note_conversation(facts: Facts, conversation: Conversation) -> None:
    """Put down what the request itself tells."""
    facts.model_asked = conversation.model
    facts.stream = conversation.stream
    for note in conversation.notes:
        facts.add_note(note)


def _parts(path: str) -> tuple[str, str | None]:
    """The route's own path, and the account that the path names."""
    path = path.partition("?")[0].rstrip("/")
    if not path.startswith("/a/"):
        return path, None
    account, _, rest = path[3:].partition("/")
    return "/" + rest, account
