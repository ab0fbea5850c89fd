"""The official OpenAI SDK against a gateway on the simulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.clients.test_anthropic_sdk import PNG
from tests.harness import Gateway, gateway_on, running_kiro

pytestmark = pytest.mark.anyio

MODEL = "claude-sonnet-4.5"


def tool(name: str) -> dict[str, object]:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    return {
        "type": "function",
        "function": {"name": name, "description": f"{name} of a city", "parameters": schema},
    }


@asynccontextmanager
async def client_and_gateway(folder: Path) -> AsyncIterator[tuple[openai.AsyncOpenAI, Gateway]]:
    async with (
        running_kiro() as kiro,
        gateway_on(kiro, folder) as gateway,
        openai.AsyncOpenAI(
            base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0, timeout=30
        ) as client,
    ):
        yield client, gateway


@dataclass
class Answer:
    """What an answer says, streamed or not."""

    model: str = ""
    text: str = ""
    reasoning: str = ""
    finish: str | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    call_ids: list[str] = field(default_factory=list)
    usage: Any = None


async def ask(client: openai.AsyncOpenAI, text: object, *, stream: bool, **more: Any) -> Answer:
    body: dict[str, Any] = {"model": MODEL, **more}
    body.setdefault("messages", [{"role": "user", "content": text}])
    if not stream:
        whole = await client.chat.completions.create(**body)
        choice = whole.choices[0]
        calls = choice.message.tool_calls or []
        return Answer(
            whole.model,
            choice.message.content or "",
            getattr(choice.message, "reasoning_content", "") or "",
            choice.finish_reason,
            [(call.function.name, call.function.arguments) for call in calls],
            [call.id for call in calls],
            whole.usage,
        )
    answer = Answer()
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    options = {"include_usage": True}
    chunks = await client.chat.completions.create(  # type: ignore[call-overload]  # any body
        stream=True, stream_options=options, **body
    )
    async for chunk in chunks:
        answer.model = chunk.model
        answer.usage = chunk.usage or answer.usage
        for choice in chunk.choices:
            answer.text += choice.delta.content or ""
            answer.reasoning += getattr(choice.delta, "reasoning_content", "") or ""
            answer.finish = choice.finish_reason or answer.finish
            for call in choice.delta.tool_calls or []:
                if call.id:
                    answer.call_ids.append(call.id)
                names[call.index] = names.get(call.index, "") + (call.function.name or "")
                arguments[call.index] = arguments.get(call.index, "") + (
                    call.function.arguments or ""
                )
    answer.calls = [(names[index], arguments[index]) for index in sorted(names)]
    return answer


streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@streamed_or_not
async def test_text_comes_with_usage_and_the_clients_own_model_name(
    tmp_path: Path, stream: bool
) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        answer = await ask(client, "Good morning", stream=stream, model="openai/claude-sonnet-4-5")
    assert answer.text == "You said: Good morning"
    assert answer.model == "openai/claude-sonnet-4-5"
    assert answer.finish == "stop"
    assert answer.usage.total_tokens == (
        answer.usage.prompt_tokens + answer.usage.completion_tokens
    )
    assert answer.usage.prompt_tokens > 0


@streamed_or_not
async def test_reasoning_comes_when_effort_is_asked_for(tmp_path: Path, stream: bool) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        thought = await ask(client, "Why?", stream=stream, reasoning_effort="high")
        plain = await ask(client, "Why?", stream=stream)
    assert thought.reasoning
    assert thought.text
    assert plain.reasoning == ""


@streamed_or_not
async def test_parallel_tools_are_called_answered_and_reported(
    tmp_path: Path, stream: bool
) -> None:
    tools = [tool("get_weather"), tool("get_time")]
    question = 'call get_weather with {"city": "Oslo"} and call get_time with {"city": "Rome"}'
    async with client_and_gateway(tmp_path) as (client, _):
        first = await ask(client, question, stream=stream, tools=tools)
        assert first.finish == "tool_calls"
        assert first.calls == [
            ("get_weather", '{"city": "Oslo"}'),
            ("get_time", '{"city": "Rome"}'),
        ]
        calls = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": given}}
            for call_id, (name, given) in zip(first.call_ids, first.calls, strict=True)
        ]
        turns = [
            {"role": "system", "content": "Be brief"},
            {"role": "user", "content": question},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": first.call_ids[1], "content": "noon"},
            {"role": "tool", "tool_call_id": first.call_ids[0], "content": "snow"},
        ]
        second = await ask(client, "", stream=stream, tools=tools, messages=turns)
    assert second.finish == "stop"
    assert "noon" in second.text
    assert "snow" in second.text


@streamed_or_not
async def test_an_image_reaches_the_model(tmp_path: Path, stream: bool) -> None:
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    async with client_and_gateway(tmp_path) as (client, _):
        answer = await ask(client, parts, stream=stream)
    assert "png" in answer.text.lower()


@streamed_or_not
async def test_a_stop_string_ends_the_answer_before_itself(tmp_path: Path, stream: bool) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        answer = await ask(client, "one two STOP three", stream=stream, stop="STOP")
    assert (answer.text, answer.finish) == ("You said: one two ", "stop")


@streamed_or_not
async def test_max_tokens_ends_the_answer(tmp_path: Path, stream: bool) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        answer = await ask(client, "[[say 2000 words]]", stream=stream, max_completion_tokens=50)
    assert answer.finish == "length"
    assert len(answer.text.split()) < 100


async def test_usage_is_streamed_only_when_asked_for(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
        chunks = [
            chunk
            async for chunk in await client.chat.completions.create(stream=True, **body)  # type: ignore[call-overload]
        ]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_a_spent_quota_is_402_and_not_to_be_retried(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, gateway):
        with pytest.raises(openai.APIStatusError) as caught:
            await ask(client, "[[scenario:monthly-limit]]", stream=False)
        assert len(await gateway.kiro.log()) == 1
    assert caught.value.status_code == 402
    assert caught.value.code == "insufficient_quota"
    assert caught.value.response.headers["x-should-retry"] == "false"


async def test_an_error_in_the_middle_of_a_stream_is_raised(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        with pytest.raises(openai.APIError):
            await ask(client, "[[scenario:exception-later-internal]]", stream=True)


async def test_leaving_a_stream_ends_the_upstream_call(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, gateway):
        await gateway.kiro.control("PUT", "/gate", {"point": "closing"})
        stream = await client.chat.completions.create(
            model=MODEL,
            stream=True,
            messages=[{"role": "user", "content": "[[count to 20]]"}],
        )
        async with stream:
            async for _ in stream:
                break
        counts = await gateway.kiro.control("GET", "/connections?until=open:0,cancelled:1")
    assert counts["reached"]


async def test_models_are_listed(tmp_path: Path) -> None:
    async with client_and_gateway(tmp_path) as (client, _):
        listed = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("claude-haiku-4.5")
    assert "claude-haiku-4.5" in listed
    assert one.object == "model"
