"""What the settings under `defaults` change about a request on its way."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import Gateway, gateway_on, running_kiro
from tests.web.replies import ask

pytestmark = pytest.mark.anyio

OPUS = "claude-opus-4.6"
TOOL = ("lookup", {"type": "object", "properties": {"text": {"type": "string"}}})


@asynccontextmanager
async def gateway_with(folder: Path, **defaults: Any) -> AsyncIterator[Gateway]:
    async with running_kiro() as kiro, gateway_on(kiro, folder, defaults) as gateway:
        yield gateway


def sent(gateway: Gateway) -> list[dict[str, Any]]:
    """The bodies that went up."""
    entries = gateway.kiro.state.log.entries("generate")
    return [json.loads(entry.body)["conversationState"] for entry in entries]


async def after_thinking(gateway: Gateway, prompt: str) -> httpx.Response:
    """The second turn of a conversation whose first answer had signed reasoning."""
    thinking = {"type": "adaptive"}
    question = {"role": "user", "content": "Think hard"}
    first = await gateway.messages(model=OPUS, thinking=thinking, messages=[question])
    content = first.json()["content"]
    assert content[0]["type"] == "thinking"
    turns = [
        question,
        {"role": "assistant", "content": content},
        {"role": "user", "content": prompt},
    ]
    gateway.kiro.state.log.clear()
    return await gateway.messages(model=OPUS, thinking=thinking, messages=turns)


def has_reasoning(state: dict[str, Any]) -> bool:
    return any(
        "reasoningContent" in entry.get("assistantResponseMessage", {})
        for entry in state["history"]
    )


async def test_reasoning_that_the_service_refuses_is_left_out_and_that_is_remembered(
    tmp_path: Path,
) -> None:
    async with gateway_with(tmp_path) as gateway:
        response = await after_thinking(gateway, "[[scenario:malformed x1]]")
        assert response.status_code == 200
        assert [has_reasoning(state) for state in sent(gateway)] == [True, False]
        response = await after_thinking(gateway, "Again")
        assert response.status_code == 200
        assert [has_reasoning(state) for state in sent(gateway)] == [False]


async def test_reasoning_that_was_not_what_the_service_refused_is_sent_again(
    tmp_path: Path,
) -> None:
    async with gateway_with(tmp_path) as gateway:
        response = await after_thinking(gateway, "[[scenario:malformed]]")
        assert response.status_code == 400
        assert [has_reasoning(state) for state in sent(gateway)] == [True, False]
        await after_thinking(gateway, "Again")
        assert [has_reasoning(state) for state in sent(gateway)] == [True]


async def test_history_thinking_drop_sends_no_reasoning_up(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, history_thinking="drop") as gateway:
        response = await after_thinking(gateway, "Again")
        assert response.status_code == 200
        assert [has_reasoning(state) for state in sent(gateway)] == [False]


LONG_TALK = [
    turn
    for number in range(10)
    for turn in (
        {"role": "user", "content": f"Question {number} " + "x" * 1000},
        {"role": "assistant", "content": f"Answer {number}"},
    )
]


async def test_auto_trim_leaves_the_oldest_rounds_out_and_says_so(tmp_path: Path) -> None:
    turns = [*LONG_TALK, {"role": "user", "content": "And now?"}]
    async with gateway_with(tmp_path, max_payload_bytes=8000, auto_trim_payload=True) as gateway:
        response = await gateway.messages(messages=turns, system="Be brief.")
        assert response.status_code == 200
        assert "trimmed:turns" in response.headers["x-kiro-gateway-notes"]
        (entry,) = gateway.kiro.state.log.entries("generate")
        (state,) = sent(gateway)
    assert len(entry.body) <= 8000
    told = json.dumps(state)
    assert "Be brief." in told
    assert "Question 0" in told
    assert "Question 1 " not in told
    assert "Answer 9" in told
    assert "And now?" in state["currentMessage"]["userInputMessage"]["content"]


async def test_without_auto_trim_nothing_is_sent(tmp_path: Path) -> None:
    turns = [*LONG_TALK, {"role": "user", "content": "And now?"}]
    async with gateway_with(tmp_path, max_payload_bytes=8000) as gateway:
        response = await gateway.messages(messages=turns)
        assert response.status_code == 400
        assert sent(gateway) == []


async def test_a_guard_of_zero_is_none(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "x " * 175_000},
        {"role": "assistant", "content": "y " * 175_000},
        {"role": "user", "content": "And now?"},
    ]
    async with gateway_with(tmp_path, max_payload_bytes=0) as gateway:
        response = await gateway.messages(messages=turns)
        assert response.status_code == 200
    async with gateway_with(tmp_path / "other") as gateway:
        response = await gateway.messages(messages=turns)
        assert response.status_code == 400


async def test_max_tokens_can_be_left_to_the_client(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, enforce_max_tokens=False) as gateway:
        reply = await ask(gateway, "anthropic", "[[say 300 words]]", stream=False, max_tokens=5)
    assert len(reply.text.split()) == 300
    assert reply.stop == "end_turn"


async def test_builtin_tools_can_be_left_as_they_are(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, remap_builtin_tools=False) as gateway:
        prompt = "[[scenario:builtin-shell]]"
        reply = await ask(gateway, "openai", prompt, stream=True, tools=[("Bash", {})])
    assert [(call.name, call.input) for call in reply.calls] == [
        ("executeBash", {"command": "echo hello"})
    ]


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
async def test_tool_input_can_come_live(tmp_path: Path, dialect: Any) -> None:
    given = {"text": "long enough to come in several pieces"}
    prompt = f"[[call lookup {json.dumps(given)}]]"
    async with gateway_with(tmp_path, tool_streaming="live") as gateway:
        live = await ask(gateway, dialect, prompt, stream=True, tools=[TOOL])
        whole = await ask(gateway, dialect, prompt, stream=False, tools=[TOOL])
    async with gateway_with(tmp_path / "other", tool_streaming="buffered") as gateway:
        buffered = await ask(gateway, dialect, prompt, stream=True, tools=[TOOL])
    for reply in (live, whole, buffered):
        assert [(call.name, call.input) for call in reply.calls] == [("lookup", given)]
    assert len(live.events) > len(buffered.events)


async def test_each_attempt_of_a_request_sends_the_same_bytes(tmp_path: Path) -> None:
    async with gateway_with(tmp_path) as gateway:
        reply = await ask(gateway, "openai", "[[scenario:no-capacity x1]]", stream=False)
        bodies = [entry.body for entry in gateway.kiro.state.log.entries("generate")]
    assert reply.status == 200
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
