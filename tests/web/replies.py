"""One question in either dialect, streamed or not, and what came of it in terms of neither."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from tests.harness import Gateway

Dialect = Literal["anthropic", "openai"]
PATHS: Mapping[Dialect, str] = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}

LOOKUP: dict[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "count": {"type": "integer"}},
}


@dataclass(slots=True)
class Call:
    """A tool call as the client would run it."""

    id: str
    name: str
    input: Any


@dataclass(slots=True)
class Reply:
    """An answer, or what was told instead.

    Attributes:
        stop: the dialect's own word.
        ended: a stream had its proper end marker; always true of whole answers.
        error: the error object, from a status or from a stream.
        usage: (input, output, cache read) tokens as told; None: none were told.
        events: names of Anthropic events, or `chunk`, `error`, `done`; `ping` for keep-alives.
    """

    status: int
    headers: httpx.Headers
    text: str = ""
    thinking: str = ""
    calls: list[Call] = field(default_factory=list)
    stop: str | None = None
    ended: bool = False
    error: dict[str, Any] | None = None
    usage: tuple[int, int, int] | None = None
    events: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)


def body_for(dialect: Dialect, prompt: Any, *, stream: bool, **more: Any) -> dict[str, Any]:
    """A request body. `tools` are (name, schema) pairs, `thinking` asks for reasoning."""
    body: dict[str, Any] = {"model": "claude-sonnet-4.5", "stream": stream}
    tools = more.pop("tools", ())
    thinking = more.pop("thinking", False)
    if dialect == "anthropic":
        body["max_tokens"] = 4000
        if thinking:
            body["thinking"] = {"type": "enabled", "budget_tokens": 2000}
        if tools:
            body["tools"] = [{"name": name, "input_schema": schema} for name, schema in tools]
    else:
        if stream:
            body["stream_options"] = {"include_usage": True}
        if thinking:
            body["reasoning_effort"] = "medium"
        if tools:
            body["tools"] = [
                {"type": "function", "function": {"name": name, "parameters": schema}}
                for name, schema in tools
            ]
    body["messages"] = [{"role": "user", "content": prompt}]
    return body | more


async def ask(
    gateway: Gateway,
    dialect: Dialect,
    prompt: Any,
    *,
    stream: bool,
    headers: Mapping[str, str] | None = None,
    path: str | None = None,
    **more: Any,
) -> Reply:
    """One request, read to its end."""
    body = body_for(dialect, prompt, stream=stream, **more)
    response = await gateway.post(path or PATHS[dialect], body, headers)
    return read_reply(dialect, response)


def read_reply(dialect: Dialect, response: httpx.Response) -> Reply:
    """Understand a response; fails where it is neither JSON nor a well-formed stream."""
    reply = Reply(response.status_code, response.headers)
    if response.headers["content-type"].startswith("text/event-stream"):
        read = _anthropic_stream if dialect == "anthropic" else _openai_stream
        read(reply, response.text)
    elif response.status_code != 200:
        reply.error = response.json()["error"]
        reply.ended = True
    else:
        whole = _anthropic_answer if dialect == "anthropic" else _openai_answer
        whole(reply, response.json())
        reply.ended = True
    return reply


def _anthropic_answer(reply: Reply, answer: dict[str, Any]) -> None:
    for block in answer["content"]:
        reply.blocks.append(block["type"])
        match block["type"]:
            case "text":
                reply.text += block["text"]
            case "thinking":
                reply.thinking += block["thinking"]
            case "tool_use":
                reply.calls.append(Call(block["id"], block["name"], block["input"]))
    reply.stop = answer["stop_reason"]
    reply.usage = _anthropic_usage(answer["usage"])


def _anthropic_usage(usage: dict[str, int]) -> tuple[int, int, int]:
    return usage["input_tokens"], usage["output_tokens"], usage["cache_read_input_tokens"]


def _anthropic_stream(reply: Reply, text: str) -> None:
    assert text.endswith("\n\n")
    inputs: dict[int, str] = {}
    kinds: list[str] = []
    open_block: int | None = None
    for part in text.split("\n\n")[:-1]:
        head, _, data = part.partition("\n")
        name = head.removeprefix("event: ")
        event = json.loads(data.removeprefix("data: "))
        assert event["type"] == name
        reply.events.append(name)
        match name:
            case "content_block_start":
                assert open_block is None
                assert event["index"] == len(kinds)
                open_block = event["index"]
                block = event["content_block"]
                kinds.append(block["type"])
                if block["type"] == "tool_use":
                    inputs[open_block] = ""
                    reply.calls.append(Call(block["id"], block["name"], None))
            case "content_block_delta":
                assert event["index"] == open_block
                delta = event["delta"]
                match delta["type"]:
                    case "text_delta":
                        reply.text += delta["text"]
                    case "thinking_delta":
                        reply.thinking += delta["thinking"]
                    case "input_json_delta":
                        inputs[event["index"]] += delta["partial_json"]
            case "content_block_stop":
                assert event["index"] == open_block
                open_block = None
            case "message_delta":
                assert open_block is None
                reply.stop = event["delta"]["stop_reason"]
                reply.usage = _anthropic_usage(event["usage"])
            case "error":
                reply.error = event["error"]
    reply.blocks = kinds
    assert reply.events[0] == "message_start"
    reply.ended = reply.events[-1] == "message_stop"
    assert reply.ended or reply.events[-1] == "error"
    if reply.ended:
        for call, raw in zip(reply.calls, inputs.values(), strict=True):
            call.input = json.loads(raw or "{}")


def _openai_answer(reply: Reply, answer: dict[str, Any]) -> None:
    choice = answer["choices"][0]
    message = choice["message"]
    reply.text = message["content"] or ""
    reply.thinking = message.get("reasoning_content", "")
    for call in message.get("tool_calls", ()):
        function = call["function"]
        reply.calls.append(Call(call["id"], function["name"], json.loads(function["arguments"])))
    reply.stop = choice["finish_reason"]
    reply.usage = _openai_usage(answer["usage"])


def _openai_usage(usage: dict[str, Any]) -> tuple[int, int, int]:
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    return usage["prompt_tokens"] - cached, usage["completion_tokens"], cached


def _openai_stream(reply: Reply, text: str) -> None:
    assert text.endswith("\n\n")
    arguments: list[str] = []
    for part in text.split("\n\n")[:-1]:
        if part.startswith(":"):
            reply.events.append("ping")
            continue
        data = part.removeprefix("data: ")
        if data == "[DONE]":
            reply.events.append("done")
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            reply.events.append("error")
            reply.error = chunk["error"]
            continue
        reply.events.append("chunk")
        if "usage" in chunk:
            reply.usage = _openai_usage(chunk["usage"])
        for choice in chunk["choices"]:
            assert reply.stop is None, "nothing follows the finish reason"
            reply.stop = choice["finish_reason"]
            _openai_delta(reply, choice["delta"], arguments)
    reply.ended = reply.events[-1] == "done"
    assert reply.events.count("done") + reply.events.count("error") == 1
    assert reply.ended or reply.events[-1] == "error"
    if reply.ended:
        for call, raw in zip(reply.calls, arguments, strict=True):
            call.input = json.loads(raw)


def _openai_delta(reply: Reply, delta: dict[str, Any], arguments: list[str]) -> None:
    reply.text += delta.get("content") or ""
    reply.thinking += delta.get("reasoning_content") or ""
    for call in delta.get("tool_calls", ()):
        if "id" in call:
            assert call["index"] == len(arguments)
            arguments.append("")
            reply.calls.append(Call(call["id"], call["function"]["name"], None))
        arguments[call["index"]] += call["function"].get("arguments", "")
