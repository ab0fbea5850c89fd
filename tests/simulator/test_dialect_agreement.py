"""From a client's bytes to the simulator's verdict: a request is refused by us, or it is good."""

from collections.abc import Callable

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from gateway.conversation import Conversation
from gateway.dialects.anthropic import request as anthropic
from gateway.dialects.openai_chat import request as openai_chat
from gateway.dialects.token_estimate import estimate_conversation
from gateway.errors import InvalidRequest
from gateway.kiro.lint import lint
from tests.request_strategies import ANTHROPIC_REQUESTS, OPENAI_REQUESTS, encoded
from tests.simulator.verdict import MODELS, TRUSTING, built, refused_for
from tests.strategies import ANY_SPEED

PARSERS: dict[str, tuple[Callable[[bytes], Conversation], st.SearchStrategy[bytes]]] = {
    "anthropic": (anthropic.parse, encoded(ANTHROPIC_REQUESTS)),
    "count_tokens": (anthropic.parse_count_tokens, encoded(ANTHROPIC_REQUESTS)),
    "openai": (openai_chat.parse, encoded(OPENAI_REQUESTS)),
}


@pytest.mark.parametrize("dialect", PARSERS)
@settings(ANY_SPEED, max_examples=150)
@given(st.data(), st.sampled_from(MODELS))
def test_a_request_is_refused_with_a_reason_or_becomes_a_body_that_the_service_takes(
    dialect: str, data: st.DataObject, model_id: str
) -> None:
    parse, requests = PARSERS[dialect]
    raw = data.draw(requests)
    refusal = ""
    try:
        conversation = parse(raw)
        request = built(conversation, model_id)
    except InvalidRequest as exc:
        refusal = str(exc)
    if refusal:
        event("refused")
        assert refusal.isprintable()
        return
    event("built")
    assert lint(request.body) == ()
    assert refused_for(request.encode("arn:x"), TRUSTING) == set()
    assert estimate_conversation(conversation) > 0
    assert all(str(note).isascii() and " " not in str(note) for note in request.notes)
