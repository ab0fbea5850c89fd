"""The runtime API: what clients call with an API key."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from starlette.datastructures import Headers

from gateway.accounts.selection import check_usable, choose_account
from gateway.conversation import Conversation
from gateway.dialects.anthropic import models as listing
from gateway.dialects.anthropic import request as anthropic_request
from gateway.dialects.anthropic.collect import AnthropicAnswer
from gateway.dialects.anthropic.stream import AnthropicStream
from gateway.dialects.openai_chat import request as openai_request
from gateway.dialects.openai_chat.collect import ChatAnswer
from gateway.dialects.openai_chat.stream import ChatStream
from gateway.dialects.token_estimate import estimate_conversation
from gateway.errors import InvalidRequest, NotAllowed, NotFound
from gateway.events import Translator
from gateway.kiro.model_names import client_id, resolve
from gateway.kiro.models import Model
from gateway.relay.facts import CapturedBodies
from gateway.relay.relay import Ask
from gateway.store.accounts import Account
from gateway.store.api_keys import ApiKey
from gateway.web.admission import admission
from gateway.web.allowed_models import allowed_models, may_use
from gateway.web.auth import authenticate
from gateway.web.error_responses import Dialect
from gateway.web.exchange import Exchange
from gateway.web.failover import Failover
from gateway.web.generation import GenerationResponse
from gateway.web.own_usage import usage_of_key
from gateway.web.quota_shapes import client_quota

# Clients sort and cache by it, so it must not change from call to call.
MODELS_CREATED = 1_735_689_600  # 2025-01-01T00:00:00Z


@dataclass(frozen=True, slots=True)
class ClientApi:
    """What is particular to one dialect's generation route."""

    parse: Callable[[bytes], Conversation]
    translator: Callable[[Conversation, bool], Translator]


def _anthropic(conversation: Conversation, suppress_reasoning: bool) -> Translator:
    message_id = f"msg_{secrets.token_hex(12)}"
    make = AnthropicStream if conversation.stream else AnthropicAnswer
    return make(message_id, conversation, suppress_reasoning=suppress_reasoning)


def _openai(conversation: Conversation, suppress_reasoning: bool) -> Translator:
    completion_id = f"chatcmpl-{secrets.token_hex(12)}"
    make = ChatStream if conversation.stream else ChatAnswer
    return make(
        completion_id, int(time.time()), conversation, suppress_reasoning=suppress_reasoning
    )


ANTHROPIC = ClientApi(anthropic_request.parse, _anthropic)
OPENAI = ClientApi(openai_request.parse, _openai)


async def create_message(exchange: Exchange) -> None:
    """POST /v1/messages, Anthropic's Messages API."""
    await _generate(exchange, ANTHROPIC)


async def create_chat_completion(exchange: Exchange) -> None:
    """POST /v1/chat/completions, OpenAI's Chat Completions API."""
    await _generate(exchange, OPENAI)


async def _generate(exchange: Exchange, api: ClientApi) -> None:
    api_key = await _caller(exchange)
    account = account_for(exchange, api_key)
    # The conversation stays with the response alone, which lets go of it when the answer begins.
    response = generation(exchange, api, api_key, account, await exchange.body())
    await response.send()


def generation(
    exchange: Exchange, api: ClientApi, api_key: ApiKey, account: Account, body: bytes
) -> GenerationResponse:
    """What a key is answered to a body, whoever sends it.

    Raises:
        GatewayError: the body makes no sense, or the key or its account cannot serve it.
    """
    services = exchange.services
    ids = api_key.account_ids if _fails_over(exchange, api_key) else (account.id,)
    may_serve = [found for one in ids if (found := services.directory.account(one)) is not None]
    return GenerationResponse(
        exchange,
        services.relay,
        _ask(exchange, api, api_key, account, body),
        admission(
            services.limits,
            services.directory,
            api_key,
            may_serve,
            exchange.facts,
            slot_wait=services.timing.slot_wait,
        ),
    )


def _fails_over(exchange: Exchange, api_key: ApiKey) -> bool:
    """Whether another account may serve; never where the path names one."""
    return api_key.failover and exchange.account is None


def _ask(exchange: Exchange, api: ClientApi, api_key: ApiKey, account: Account, body: bytes) -> Ask:
    facts = exchange.facts
    facts.received_bytes = len(body)
    facts.client = exchange.headers.get("user-agent", "")[:256] or None
    if exchange.services.directory.captures_bodies():
        facts.bodies = CapturedBodies(body)
    conversation = api.parse(body)
    facts.model_asked = conversation.model
    facts.stream = conversation.stream
    for note in conversation.notes:
        facts.add_note(note)
    _check_model(exchange, api_key, account, conversation.model)
    alternatives = None
    if _fails_over(exchange, api_key):
        alternatives = Failover(exchange.services, api_key, account, conversation, exchange.headers)
    else:
        check_usable(account)
    return Ask(
        conversation=conversation,
        account_id=account.id,
        new_translator=lambda: api.translator(conversation, api_key.suppress_reasoning),
        facts=facts,
        caller_conversation_id=exchange.headers.get("x-kiro-conversation-id"),
        alternatives=alternatives,
    )


def _check_model(exchange: Exchange, api_key: ApiKey, account: Account, name: str) -> None:
    """Raises NotAllowed when a key has a list of models and this is none of them."""
    catalogue = {model.id for model in exchange.services.models.peek(account.id) or ()}
    if not may_use(api_key, name, catalogue):
        allowed = ", ".join(api_key.limits.allowed_models)
        raise NotAllowed(
            f'Model "{name}" is not allowed for API key "{api_key.name}". It may use: {allowed}.',
            code="model_not_allowed",
        )


async def count_tokens(exchange: Exchange) -> None:
    """POST /v1/messages/count_tokens: an estimate, made here."""
    api_key = await _caller(exchange)
    account_for(exchange, api_key)
    conversation = anthropic_request.parse_count_tokens(await exchange.body())
    exchange.facts.model_asked = conversation.model
    tokens = estimate_conversation(conversation)
    await exchange.respond(msgspec.json.encode({"input_tokens": tokens}))


async def list_models(exchange: Exchange) -> None:
    """GET /v1/models, in a shape that clients of both dialects read."""
    models = await _models(exchange)
    query = exchange.query
    if "client_version" in query:
        await exchange.respond(listing.codex_models(models))
        return
    page = listing.model_list(
        models,
        limit=_limit(query.get("limit")),
        after_id=query.get("after_id"),
        before_id=query.get("before_id"),
    )
    await exchange.respond(page)


async def get_model(exchange: Exchange) -> None:
    """GET /v1/models/{id}; the id may be any name that requests may use."""
    models = await _models(exchange)
    by_kiro_id = {model.kiro_model_id: model for model in models}
    wanted = exchange.tail
    found = next((model for model in models if model.id == wanted), None)
    if found is None and wanted.strip():
        found = by_kiro_id.get(resolve(wanted, by_kiro_id).id)
    if found is None:
        raise NotFound(f"There is no model {wanted!r} for this account. GET /v1/models lists them.")
    await exchange.respond(listing.model_object(found))


async def own_usage(exchange: Exchange) -> None:
    """GET /v1/usage: what the calling key has used, its limits, and when they reset."""
    api_key = await _caller(exchange)
    account_for(exchange, api_key)
    services = exchange.services
    told = await usage_of_key(services.database, services.usage, services.limits, api_key)
    await exchange.respond(msgspec.json.encode(told))


async def usage_limits(exchange: Exchange) -> None:
    """GET /v1/kiro/usage-limits: the account's quota, without its e-mail and ARN."""
    api_key = await _caller(exchange)
    account = check_usable(account_for(exchange, api_key))
    renew = exchange.query.get("refresh") in {"1", "true"}
    heard = await exchange.services.quotas.get(account.id, renew=renew)
    told = client_quota(account, heard.value, heard.at)
    await exchange.respond(msgspec.json.encode(told))


async def _caller(exchange: Exchange) -> ApiKey:
    services, facts = exchange.services, exchange.facts
    api_key = await authenticate(
        exchange.headers,
        facts.peer,
        services.directory,
        services.failures,
        sleep=services.timing.sleep,
    )
    facts.api_key_id, facts.api_key_name = api_key.id, api_key.name
    return api_key


def account_for(exchange: Exchange, api_key: ApiKey) -> Account:
    """The account that a key's request is for.

    Raises:
        NotAllowed: the key may use none, or not the one that the exchange names.
        NoAccountAvailable: the key has no default, or it is gone.
    """
    account = choose_account(api_key, exchange.account, exchange.services.directory)
    exchange.facts.account_id, exchange.facts.account_name = account.id, account.name
    return account


async def _models(exchange: Exchange) -> list[listing.ListedModel]:
    api_key = await _caller(exchange)
    account = account_for(exchange, api_key)
    models = exchange.services.models
    if models.peek(account.id) is None:
        check_usable(account)
    known = (await models.get(account.id)).value
    if api_key.limits.allowed_models:
        allowed = allowed_models(api_key, {model.id for model in known})
        known = tuple(model for model in known if model.id in allowed)
    return [_listed(model) for model in known]


def _listed(model: Model) -> listing.ListedModel:
    return listing.ListedModel(
        id=client_id(model.id),
        kiro_model_id=model.id,
        display_name=model.name,
        description=model.description,
        created=MODELS_CREATED,
        max_input_tokens=model.max_input_tokens,
        max_output_tokens=model.max_output_tokens,
    )


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise InvalidRequest("limit: must be a whole number from 1 to 1000")
    return int(text)


def dialect_of(path: str, headers: Headers) -> Dialect:
    """Whose error shape a path speaks; shared paths follow the `anthropic-version` header."""
    if path.startswith("/v1/messages"):
        return "anthropic"
    if path.startswith("/v1/chat/"):
        return "openai"
    return "anthropic" if "anthropic-version" in headers else "openai"
