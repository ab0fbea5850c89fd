"""What streamed and collected answers of the Messages API have in common."""

from typing import Final

import msgspec

from gateway.conversation import OWN_SIGNATURE_PREFIX
from gateway.events import Stop, Usage

# An answer without anything to see still needs a block: clients can't show, and won't echo, none.
PLACEHOLDER_TEXT: Final = " "


class WireUsage(msgspec.Struct, frozen=True):
    """Tokens, as the API names them."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


def wire_usage(usage: Usage) -> WireUsage:
    """The same figures under the API's names."""
    return WireUsage(
        usage.input_tokens, usage.output_tokens, usage.cache_write_tokens, usage.cache_read_tokens
    )


def stop_reason(stop: Stop, *, thought_only: bool) -> str:
    """The API's word for why an answer ended.

    One that ended by itself after nothing but reasoning ran out of room as far as the client is
    concerned: `end_turn` would tell an agent that its task is done.
    """
    if stop.reason == "context_window_exceeded":
        return "model_context_window_exceeded"
    if thought_only and stop.reason == "end_turn":
        return "max_tokens"
    return stop.reason


def own_signature(message_id: str) -> str:
    """What stands where the service signed nothing; clients send it back, and it stops here."""
    return OWN_SIGNATURE_PREFIX + message_id
