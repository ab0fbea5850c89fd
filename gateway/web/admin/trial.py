"""POST /admin/accounts/{id}/test: one live round trip."""

import time
from dataclasses import replace
from typing import Annotated

import anyio
import msgspec
from msgspec import Meta

from gateway.errors import GatewayError, UpstreamTimeout
from gateway.kiro.models import Model
from gateway.relay.facts import Facts
from gateway.relay.relay import Ask
from gateway.store.accounts import Account
from gateway.web.admin.accounts import account_named
from gateway.web.admin.call import Call
from gateway.web.admin.client_requests import ask_for
from gateway.web.admin.errors import ErrorDetail, shape_of
from gateway.web.admin.kiro import usable

QUESTION = "Answer with the word OK and nothing else."
MAX_TOKENS = 64
TIME = 60.0  # seconds


class TestOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model to ask; by default the one that costs least."""

    model: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class TestResult(msgspec.Struct, frozen=True):
    """How the round trip went: `text` when it did, `error` when it did not."""

    ok: bool
    account: str
    model: str | None
    text: str | None
    error: ErrorDetail | None
    first_token_ms: int | None
    duration_ms: int
    credits: float | None
    upstream_calls: int


class _Block(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    content: list[_Block]


async def test(call: Call) -> TestResult:
    """Ask an account something short. What the service refuses is a result, not an error."""
    order = await call.body(TestOrder)
    account = usable(await account_named(call.services, call.variables["id"]))
    await call.services.directory.reload()
    facts = Facts(request_id=call.exchange.facts.request_id)
    started_at = time.perf_counter()
    text: str | None = None
    error: ErrorDetail | None = None
    try:
        model = order.model or cheapest((await call.services.models.get(account.id)).value)
        with anyio.move_on_after(TIME) as waiting:
            text = await _answer(call, _question(model, account, facts))
        if waiting.cancelled_caught:
            raise UpstreamTimeout(f"Kiro did not answer within {TIME:.0f} s.")
    except GatewayError as exc:
        error = ErrorDetail(str(exc), shape_of(exc)[1])
    usage, first_token = facts.usage, facts.first_token
    return TestResult(
        ok=error is None,
        account=account.name,
        model=facts.model_served,
        text=text,
        error=error,
        first_token_ms=round(first_token * 1000) if first_token is not None else None,
        duration_ms=round((time.perf_counter() - started_at) * 1000),
        credits=usage.credits if usage else None,
        upstream_calls=facts.upstream_calls,
    )


def cheapest(models: tuple[Model, ...]) -> str:
    """The model with the lowest rate; where none is told, the default one or the first."""
    rated = [model for model in models if model.rate_multiplier is not None]
    if rated:
        return min(rated, key=lambda model: model.rate_multiplier or 0.0).id
    return next((model.id for model in models if model.is_default), models[0].id if models else "")


def _question(model: str, account: Account, facts: Facts) -> Ask:
    body = {
        "model": model,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    ask = ask_for("/v1/messages", msgspec.json.encode(body), account, facts, headers={})
    # What matters is how the account is now, and an answer ends what was held against it.
    return replace(ask, heeds_cooldowns=False)


async def _answer(call: Call, ask: Ask) -> str:
    answer = await call.services.relay.answer(ask)
    try:
        whole = await answer.whole()
    finally:
        await answer.aclose()
    message = msgspec.json.decode(whole, type=_Message)
    return "".join(block.text for block in message.content)
