"""The rules about what messages carry: images, sizes, reasoning, caching, request fields."""

import base64
from collections.abc import Iterator

from gateway.simulator.body import AssistantMessage, Body
from gateway.simulator.json_schema import violations
from gateway.simulator.measure import input_tokens
from gateway.simulator.refusals import INPUT_TOO_LONG
from gateway.simulator.rule import Caller, rule

MOST_IMAGES = 10
LARGEST_IMAGE = 10 * 1024 * 1024  # bytes, decoded
LONGEST_USER_TEXT = 600_000  # bytes of UTF-8
LARGEST_TOOL_RESULTS = 800_000  # bytes of UTF-8, all text results of one message together


def image_count(body: Body, _caller: Caller) -> Iterator[str]:
    """A request has at most 10 images."""
    images = [image for message in body.user_messages for image in message.images]
    if len(images) > MOST_IMAGES:
        yield images[MOST_IMAGES].where


def image_base64(body: Body, _caller: Caller) -> Iterator[str]:
    """An image is standard base64: padded, no line breaks, no `data:` in front."""
    for message in body.user_messages:
        for image in message.images:
            if not _is_base64(image.data):
                yield image.where


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    # Surplus padding passes the decoder.
    return len(text) % 4 == 0


def image_size(body: Body, _caller: Caller) -> Iterator[str]:
    """An image has at most 10 MiB."""
    for message in body.user_messages:
        for image in message.images:
            padding = len(image.data) - len(image.data.rstrip("="))
            if len(image.data) // 4 * 3 - padding > LARGEST_IMAGE:
                yield image.where


def user_text_size(body: Body, _caller: Caller) -> Iterator[str]:
    """A user text has at most 600 000 bytes."""
    for message in body.user_messages:
        if len(message.content.encode()) > LONGEST_USER_TEXT:
            yield f"{message.where}.content"


def tool_results_size(body: Body, _caller: Caller) -> Iterator[str]:
    """The tool results of a message have at most 800 000 bytes together."""
    for message in body.user_messages:
        texts = (text for result in message.tool_results for text in result.texts)
        if sum(len(text.encode()) for text in texts) > LARGEST_TOOL_RESULTS:
            yield f"{message.where}.toolResults"


def model_window(body: Body, caller: Caller) -> Iterator[str]:
    """Everything together fits the model's window."""
    model = caller.models.get(body.current.model_id or "")
    if model is not None and (tokens := input_tokens(body)) > model.window:
        yield f"{tokens} tokens"


def cache_points(body: Body, caller: Caller) -> Iterator[str]:
    """Cache points only for models that cache, and no more than they take."""
    model = caller.models.get(body.current.model_id or "")
    count = sum(message.cache_points for message in body.messages)
    if model is not None and count > (model.cache_points or 0):
        yield f"{count} cache points"


def model_fields_allowed(body: Body, caller: Caller) -> Iterator[str]:
    """`additionalModelRequestFields` only for models that publish a schema for it."""
    model = caller.models.get(body.current.model_id or "")
    if body.model_fields is not None and model is not None and model.fields_schema is None:
        yield "additionalModelRequestFields"


def model_fields_schema(body: Body, caller: Caller) -> Iterator[str]:
    """`additionalModelRequestFields` keeps the model's schema; unknown members break it."""
    model = caller.models.get(body.current.model_id or "")
    if body.model_fields is not None and model is not None and model.fields_schema is not None:
        for where in violations(model.fields_schema, body.model_fields):
            yield f"additionalModelRequestFields{where}"


def reasoning_signature(body: Body, caller: Caller) -> Iterator[str]:
    """Signed reasoning was signed by this service, for exactly this text."""
    for message in body.history:
        if isinstance(message, AssistantMessage) and message.reasoning:
            reasoning = message.reasoning.get("reasoningText")
            if isinstance(reasoning, dict) and "signature" in reasoning:
                text, signature = str(reasoning["text"]), str(reasoning["signature"])
                if not caller.signer.is_ours(text, signature):
                    yield f"{message.where}.reasoningContent"


def reasoning_sealed(body: Body, caller: Caller) -> Iterator[str]:
    """Sealed reasoning (`redactedContent`) comes from this service."""
    for message in body.history:
        if isinstance(message, AssistantMessage) and message.reasoning:
            sealed = message.reasoning.get("redactedContent")
            if isinstance(sealed, str) and not caller.signer.is_sealed_here(sealed):
                yield f"{message.where}.reasoningContent"


CONTENT_RULES = (
    rule(image_count),
    rule(image_base64),
    rule(image_size),
    rule(cache_points),
    rule(model_fields_allowed),
    rule(model_fields_schema),
    rule(reasoning_signature),
    rule(reasoning_sealed),
    rule(user_text_size, INPUT_TOO_LONG),
    rule(tool_results_size, INPUT_TOO_LONG),
    rule(model_window, INPUT_TOO_LONG),
)
