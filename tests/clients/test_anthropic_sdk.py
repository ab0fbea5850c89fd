"""The official Anthropic SDK against a gateway on the simulator."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anthropic
import pytest
from anthropic.types import Message, ToolUseBlock

from tests.harness import Gateway, gateway_on, running_kiro

pytestmark = pytest.mark.anyio

# The dated and dashed names of this model make the SDK warn; the gateway knows them all.
MODEL = "claude-sonnet-4.5"
PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
    )
).decode()
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
CLOCK = {
    "name": "get_time",
    "description": "The time in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


@asynccontextmanager
async def client_and_gateway(
    folder: Path,
) -> AsyncIterator[tuple[anthropic.AsyncAnthropic, Gateway]]:
    async with (
        running_kiro() as kiro,
        gateway_on(kiro, folder) as gateway,
        anthropic.AsyncAnthropic(
            base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=30
        ) as client,
    ):
        yield client, gateway


async def ask(
    client: anthropic.AsyncAnthropic, content: object, *, stream: bool, **more: object
) -> Message:
    """One request, streamed or not: the answer must be the same."""
    body: dict[str, object] = {"model": MODEL, "max_tokens": 1000, **more}
    body.setdefault("messages", [{"role": "user", "content": content}])
    if not stream:
        answer: Message = await client.messages.create(**body)  # type: ignore[call-overload]
        return answer
    async with client.messages.stream(**body) as events:  # type: ignore[arg-type]
        return await events.get_final_message()


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@streamed_or_not
async def test_text_comes_with_usage_and_the_clients_own_model_name(
    tmp_path: Path, stream: bool
) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        message = await ask(client, "Good morning", stream=stream)
    assert text_of(message) == "You said: Good morning"
    assert message.model == MODEL
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0


@streamed_or_not
async def test_thinking_comes_with_a_signature_and_can_be_sent_back(
    tmp_path: Path, stream: bool
) -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}
    async with client_and_gateway(tmp_path) as (client, gateway):
        first = await ask(client, "Why is the sky blue?", stream=stream, thinking=thinking)
        block = first.content[0]
        assert block.type == "thinking"
        assert block.thinking
        assert block.signature
        assert text_of(first)
        turns = [
            {"role": "user", "content": "Why is the sky blue?"},
            {"role": "assistant", "content": [b.model_dump() for b in first.content]},
            {"role": "user", "content": "And at night?"},
        ]
        second = await ask(client, "", stream=stream, thinking=thinking, messages=turns)
        assert "And at night?" in text_of(second)
        assert all(entry["status"] == 200 for entry in await gateway.kiro.log())


@streamed_or_not
async def test_native_reasoning_keeps_the_services_own_signature(
    tmp_path: Path, stream: bool
) -> None:
    adaptive = {"type": "adaptive"}
    async with client_and_gateway(tmp_path) as (client, gateway):
        first = await ask(
            client, "Think hard", stream=stream, model="claude-opus-4.6", thinking=adaptive
        )
        block = first.content[0]
        assert block.type == "thinking"
        turns = [
            {"role": "user", "content": "Think hard"},
            {"role": "assistant", "content": [b.model_dump() for b in first.content]},
            {"role": "user", "content": "Again"},
        ]
        await ask(
            client, "", stream=stream, model="claude-opus-4.6", thinking=adaptive, messages=turns
        )
        last = (await gateway.kiro.log())[-1]
    history = last["body"]["conversationState"]["history"]
    replayed = [
        entry["assistantResponseMessage"]["reasoningContent"]
        for entry in history
        if "reasoningContent" in entry.get("assistantResponseMessage", {})
    ]
    assert replayed == [{"reasoningText": {"text": block.thinking, "signature": block.signature}}]


@streamed_or_not
async def test_parallel_tools_are_called_answered_and_reported(
    tmp_path: Path, stream: bool
) -> None:
    question = 'call get_weather with {"city": "Oslo"} and call get_time with {"city": "Rome"}'
    async with client_and_gateway(tmp_path) as (client, _):
        first = await ask(client, question, stream=stream, tools=[WEATHER, CLOCK])
        calls = [block for block in first.content if isinstance(block, ToolUseBlock)]
        assert first.stop_reason == "tool_use"
        assert [(call.name, call.input) for call in calls] == [
            ("get_weather", {"city": "Oslo"}),
            ("get_time", {"city": "Rome"}),
        ]
        results = [
            {"type": "tool_result", "tool_use_id": calls[1].id, "content": "noon"},
            {
                "type": "tool_result",
                "tool_use_id": calls[0].id,
                "content": [{"type": "text", "text": "snow"}],
                "is_error": True,
            },
        ]
        turns = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": [block.model_dump() for block in first.content]},
            {"role": "user", "content": results},
        ]
        second = await ask(client, "", stream=stream, tools=[WEATHER, CLOCK], messages=turns)
    assert second.stop_reason == "end_turn"
    assert "noon" in text_of(second)
    assert "snow" in text_of(second)


@streamed_or_not
async def test_images_reach_the_model_in_turns_and_in_tool_results(
    tmp_path: Path, stream: bool
) -> None:
    image = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PNG},
    }
    async with client_and_gateway(tmp_path) as (client, gateway):
        answer = await ask(client, [image, {"type": "text", "text": "Look"}], stream=stream)
        assert "png" in text_of(answer).lower()
        turns = [
            {"role": "user", "content": "call get_weather"},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [image]}],
            },
        ]
        await ask(client, "", stream=stream, tools=[WEATHER], messages=turns)
        last = (await gateway.kiro.log())[-1]
    current = last["body"]["conversationState"]["currentMessage"]["userInputMessage"]
    assert [one["format"] for one in current["images"]] == ["png"]


@streamed_or_not
async def test_a_stop_sequence_ends_the_answer_before_itself(tmp_path: Path, stream: bool) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        message = await ask(
            client, "one two STOP three", stream=stream, stop_sequences=["STOP", "never"]
        )
    assert text_of(message) == "You said: one two "
    assert message.stop_reason == "stop_sequence"
    assert message.stop_sequence == "STOP"


@streamed_or_not
async def test_max_tokens_ends_the_answer(tmp_path: Path, stream: bool) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        message = await ask(client, "[[say 2000 words]]", stream=stream, max_tokens=50)
    assert message.stop_reason == "max_tokens"
    assert len(text_of(message).split()) < 100


async def test_a_prefill_is_continued(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "Name a tree"},
        {"role": "assistant", "content": "A tree is"},
    ]
    async with client_and_gateway(tmp_path) as (client, gateway):
        message = await ask(client, "", stream=False, messages=turns)
        assert text_of(message)
        last = (await gateway.kiro.log())[-1]
    assert last["status"] == 200
    history = last["body"]["conversationState"]["history"]
    assert history[-1]["assistantResponseMessage"]["content"] == "A tree is"


async def test_tokens_are_counted_without_asking_upstream(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, gateway):
        bare = await client.messages.count_tokens(
            model=MODEL, messages=[{"role": "user", "content": "Hello, world"}]
        )
        with_tools = await client.messages.count_tokens(
            model=MODEL,
            messages=[{"role": "user", "content": "Hello, world"}],
            tools=[WEATHER],  # type: ignore[list-item]
        )
        assert await gateway.kiro.log() == []
    assert 3 <= bare.input_tokens <= 20
    assert with_tools.input_tokens > bare.input_tokens + 20


async def test_models_are_listed_and_found(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        ids = [model.id async for model in client.models.list(limit=3)]
        one = await client.models.retrieve("claude-sonnet-4.5")
    assert "claude-sonnet-4.5" in ids
    assert "anthropic.auto" in ids
    assert all(name.startswith(("claude", "anthropic")) for name in ids)
    assert one.id == "claude-sonnet-4.5"


async def test_an_unknown_key_is_told_apart(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        with pytest.raises(anthropic.AuthenticationError) as caught:
            await ask(client.with_options(api_key="sk-kiro-wrong"), "Hi", stream=False)
    assert caught.value.response.json()["error"]["type"] == "authentication_error"
    assert caught.value.response.headers["request-id"]


@streamed_or_not
async def test_a_rate_limit_is_an_error_with_a_time(tmp_path: Path, stream: bool) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        with pytest.raises(anthropic.RateLimitError) as caught:
            await ask(client, "[[scenario:throttled-retry-after-long]]", stream=stream)
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


async def test_an_error_in_the_middle_of_a_stream_is_raised(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        with pytest.raises(anthropic.APIStatusError):
            await ask(client, "[[scenario:exception-later-throttling]]", stream=True)


async def test_leaving_a_stream_ends_the_upstream_call(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, gateway):
        await gateway.kiro.control("PUT", "/gate", {"point": "closing"})
        body = {"role": "user", "content": "[[count to 20]]"}
        async with client.messages.stream(
            model=MODEL,
            max_tokens=1000,
            messages=[body],  # type: ignore[list-item]
        ) as events:
            async for _ in events.text_stream:
                break
        counts = await gateway.kiro.control("GET", "/connections?until=open:0,cancelled:1")
    assert counts["reached"], json.dumps(counts)
