"""One short question to an account, to see whether it can really answer. It costs a little."""

import time
import uuid
from dataclasses import dataclass

import anyio
import msgspec

from gateway.dialects.anthropic import request as anthropic_request
from gateway.dialects.anthropic.collect import AnthropicAnswer
from gateway.errors import GatewayError, UpstreamTimeout
from gateway.kiro.models import Model
from gateway.relay.facts import Facts
from gateway.relay.relay import Ask, Relay

QUESTION = "Answer with the word OK and nothing else."
MAX_TOKENS = 64
TIME = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went: `text` is the answer, `error` why there is none. Times are seconds."""

    text: str | None
    error: GatewayError | None
    facts: Facts
    seconds: float


class _Block(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    content: list[_Block]


async def ask_briefly(relay: Relay, account_id: str, model: str, facts: Facts) -> Trial:
    """Ask a model of an account for one word. What the service refuses is in the result."""
    started_at = time.perf_counter()
    text: str | None = None
    error: GatewayError | None = None
    try:
        with anyio.move_on_after(TIME) as waiting:
            text = await _answer(relay, _question(account_id, model, facts))
        if waiting.cancelled_caught:
            raise UpstreamTimeout(f"Kiro did not answer within {TIME:.0f} s.")
    except GatewayError as exc:
        error = exc
    return Trial(text, error, facts, time.perf_counter() - started_at)


def cheapest(models: tuple[Model, ...]) -> str:
    """The model with the lowest rate; where none is told, the default one or the first."""
    rated = [model for model in models if model.rate_multiplier is not None]
    if rated:
        return min(rated, key=lambda model: model.rate_multiplier or 0.0).id
    return next((model.id for model in models if model.is_default), models[0].id if models else "")


def _question(account_id: str, model: str, facts: Facts) -> Ask:
    body = {
        "model": model,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    conversation = anthropic_request.parse(msgspec.json.encode(body))
    facts.model_asked = conversation.model
    message_id = f"msg_{uuid.uuid4().hex[:24]}"
    return Ask(
        conversation=conversation,
        account_id=account_id,
        new_translator=lambda: AnthropicAnswer(message_id, conversation, suppress_reasoning=False),
        facts=facts,
        # What matters is how the account is now, and an answer ends what was held against it.
        heeds_cooldowns=False,
    )


async def _answer(relay: Relay, ask: Ask) -> str:
    answer = await relay.answer(ask)
    try:
        whole = await answer.whole()
    finally:
        await answer.aclose()
    message = msgspec.json.decode(whole, type=_Message)
    return "".join(block.text for block in message.content)
