"""Short ways to say a conversation, and to read the body made of it."""

import base64
import json
from typing import Any

from gateway.conversation import (
    Conversation,
    Image,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)
from gateway.kiro.lint import lint
from gateway.kiro.payload import BuildOptions, KiroRequest, build_request

Json = dict[str, Any]

MODEL = "claude-sonnet-4.5"
OPTIONS = BuildOptions(conversation_id="c1")
READ = Tool("Read", "Reads a file.")
PICTURE = Image("png", base64.b64encode(b"picture").decode())


def user(text: str = "", *results: ToolResult, images: tuple[Image, ...] = ()) -> Turn:
    return Turn("user", text, images=images, tool_results=results)


def assistant(text: str = "", *uses: ToolUse, thinking: tuple[Thinking, ...] = ()) -> Turn:
    return Turn("assistant", text, tool_uses=uses, thinking=thinking)


def call(identifier: str = "t1", name: str = "Read", given: bytes = b'{"a":1}') -> ToolUse:
    return ToolUse(identifier, name, given)


def result(identifier: str = "t1", text: str = "done", *, is_error: bool = False) -> ToolResult:
    return ToolResult(identifier, text, is_error)


def talk(*turns: Turn, tools: tuple[Tool, ...] = (READ,), **more: Any) -> Conversation:
    return Conversation(model="m", turns=turns, tools=tools, **more)


def build(conversation: Conversation, options: BuildOptions = OPTIONS) -> KiroRequest:
    """Everything built here keeps every rule; no test has to say so again."""
    request = build_request(conversation, MODEL, options)
    assert lint(request.body) == ()
    return request


def state_of(request: KiroRequest) -> Json:
    state: Json = json.loads(request.encode(None))["conversationState"]
    return state


def built(conversation: Conversation) -> tuple[list[Json], Json]:
    """The messages of the history, without what wraps them, and the current message."""
    state = state_of(build(conversation))
    history = [next(iter(entry.values())) for entry in state.get("history", [])]
    return history, state["currentMessage"]["userInputMessage"]


def contents(conversation: Conversation) -> list[str]:
    history, current = built(conversation)
    return [message["content"] for message in [*history, current]]


def results_in(message: Json) -> list[tuple[str, str, str]]:
    return [
        (r["toolUseId"], r["status"], r["content"][0]["text"])
        for r in message["userInputMessageContext"]["toolResults"]
    ]


def kinds(request: KiroRequest) -> list[str]:
    return [str(note) for note in request.notes]
