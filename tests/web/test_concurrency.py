"""Two hundred clients at once, each of which must get its own answer and leave nothing behind."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from tests.harness import Gateway, Kiro
from tests.web.listening import listening
from tests.web.replies import Dialect, Reply, ask
from tests.web.usage_rows import usage_of, usage_rows

pytestmark = pytest.mark.anyio

CLIENTS = 200
ACCOUNTS = ("social", "builder", "organisation", "external", "key")
PATHS: dict[Dialect, str] = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}
WORDS = (
    "alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel", "ivy", "juniper",
    "kapok", "larch", "maple", "nutmeg", "oak", "pine", "quince", "rowan", "spruce", "teak",
)  # fmt: skip
LOOKUP = ("lookup", {"type": "object", "properties": {"text": {"type": "string"}}})


@dataclass(frozen=True)
class Part:
    """What one client wants, and how its answer is checked."""

    prompt: Callable[[int], str]
    check: Callable[[int, Reply], None]
    more: dict[str, Any] = field(default_factory=dict)


def said(number: int, reply: Reply) -> None:
    assert reply.text == f"You said: Client {number} says hello"
    assert reply.stop in {"end_turn", "stop"}


def counted(number: int, reply: Reply) -> None:
    assert reply.text == " ".join(str(n) for n in range(1, 101 + number))


def listed(number: int, reply: Reply) -> None:
    assert reply.text == " ".join(WORDS[n % len(WORDS)] for n in range(200 + number))


def called(number: int, reply: Reply) -> None:
    assert reply.text == "I will call lookup, lookup."
    inputs = [{"text": f"{number} ü"}, {"text": f"again {number}", "count": number}]
    assert [(call.name, call.input) for call in reply.calls] == [("lookup", i) for i in inputs]
    assert len({call.id for call in reply.calls}) == 2
    assert reply.stop in {"tool_use", "tool_calls"}


def thought(number: int, reply: Reply) -> None:
    assert reply.thinking.strip() == f"Client {number} wonders"
    assert reply.text == f"You said: [[think Client {number} wonders]]"


def stopped(number: int, reply: Reply) -> None:
    assert reply.text == f"You said: Client {number} before "


def refused(_number: int, reply: Reply) -> None:
    assert reply.status == 400
    assert reply.error is not None


def broken(number: int, reply: Reply) -> None:
    assert reply.error is not None
    assert f"You said: [[scenario:reset-mid-stream]] {number}".startswith(reply.text)
    assert reply.stop is None


PARTS = (
    Part(lambda n: f"Client {n} says hello", said),
    Part(lambda n: f"[[count to {100 + n}]]", counted),
    Part(lambda n: f"[[say {200 + n} words]]", listed),
    Part(
        lambda n: (
            f'[[call lookup {{"text": "{n} ü"}}]] '
            f'[[call lookup {{"text": "again {n}", "count": {n}}}]]'
        ),
        called,
        {"tools": [LOOKUP]},
    ),
    Part(lambda n: f"[[think Client {n} wonders]]", thought, {"thinking": True}),
    Part(lambda n: f"Client {n} before STOP after", stopped, {"stop": "STOP"}),
    # None of those that make an account sit out, which would stop the others.
    Part(lambda n: f"[[scenario:kms-conflict]] {n}", refused),
    Part(lambda n: f"[[scenario:malformed]] {n}", refused),
    Part(lambda n: f"[[scenario:reset-mid-stream]] {n}", broken),
)


async def one_client(gateway: Gateway, number: int) -> Reply:
    """Client `number` of the mixture: the parts, dialects, manners and accounts take turns."""
    part = PARTS[number % len(PARTS)]
    dialect: Dialect = "anthropic" if number // 2 % 2 else "openai"
    more = dict(part.more)
    if stop := more.pop("stop", None):
        more |= {"stop_sequences": [stop]} if dialect == "anthropic" else {"stop": stop}
    account = ACCOUNTS[number % len(ACCOUNTS)]
    reply = await ask(
        gateway,
        dialect,
        part.prompt(number),
        stream=bool(number % 2),
        path=f"/a/{account}{PATHS[dialect]}",
        headers={"x-request-id": f"client-{number}"},
        **more,
    )
    part.check(number, reply)
    assert reply.ended or reply.error
    assert reply.headers["x-request-id"] == f"client-{number}"
    assert reply.headers["x-kiro-gateway-account"] == account
    return reply


async def leaving_client(gateway: Gateway, number: int) -> None:
    """A client that hangs up after a while, or before anything has come."""
    dialect: Dialect = "anthropic" if number % 2 else "openai"
    headers = {"x-request-id": f"leaving-{number}"}
    scenario = "never-first-event" if number % 3 else "stall-mid-stream"
    prompt = f"[[scenario:{scenario}]] {number}"
    async with listening(gateway, dialect, prompt, headers=headers) as listener:
        if scenario == "stall-mid-stream":
            await listener.until(lambda one: b"You" in one.data)
        else:
            await anyio.lowlevel.checkpoint()


async def test_two_hundred_clients_at_once_get_their_own_answers_and_leave_nothing(
    kiro: Kiro, gateway: Gateway
) -> None:
    for account in ACCOUNTS:
        assert (await gateway.get(f"/a/{account}/v1/models")).status_code == 200
    before = asyncio.all_tasks()
    replies: dict[int, Reply] = {}

    async def client(number: int) -> None:
        replies[number] = await one_client(gateway, number)

    async with anyio.create_task_group() as clients:
        for number in range(CLIENTS):
            clients.start_soon(client, number)
            if number % 8 == 0:
                clients.start_soon(leaving_client, gateway, number)

    counts = await kiro.control("GET", "/connections?until=open:0")
    assert counts["reached"], counts
    await check_rows(gateway, replies)
    await until_no_task_is_left(gateway, before)


async def check_rows(gateway: Gateway, replies: dict[int, Reply]) -> None:
    """Every request has its row, with the figures that its client was told."""
    rows = {row["request_id"]: row for row in await usage_rows(gateway)}
    assert len(replies) == CLIENTS
    for number, reply in replies.items():
        row = rows[f"client-{number}"]
        told = reply.usage or (0, 0, 0)
        figures = row["input_tokens"], row["output_tokens"], row["cache_read_tokens"]
        assert row["status"] == reply.status
        if reply.error is None:
            assert figures == told
            assert row["error_class"] is None
        else:
            assert row["error_class"]
    whole = [row for row in rows.values() if row["error_class"] is None]
    answered = [reply.usage for reply in replies.values() if reply.usage is not None]
    for position, column in enumerate(("input_tokens", "output_tokens", "cache_read_tokens")):
        assert sum(row[column] for row in whole) == sum(usage[position] for usage in answered)
    ids = [row for row in rows if row.startswith(("client-", "leaving-"))]
    assert len(rows) == len(ids), "no request is counted that nobody made"


async def until_no_task_is_left(gateway: Gateway, before: set[asyncio.Task[Any]]) -> None:
    """What a request started is over soon after it; the time is for what is still winding up."""
    with anyio.move_on_after(10):
        while left_since(before):
            assert (await gateway.http.get(gateway.url + "/health")).status_code == 200
    assert left_since(before) == set()


def left_since(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - before


async def test_a_client_that_left_is_counted_among_many(kiro: Kiro, gateway: Gateway) -> None:
    async with anyio.create_task_group() as clients:
        for number in (3, 4, 6, 9):
            clients.start_soon(leaving_client, gateway, number * 1000)
    counts = await kiro.control("GET", "/connections?until=open:0")
    assert counts["reached"]
    for number in (3, 6, 9):
        row = await usage_of(gateway, f"leaving-{number * 1000}")
        assert row["error_class"] == "ClientDisconnected"
        assert row["output_tokens"] > 0


async def test_answers_to_many_questions_on_one_conversation_do_not_mix(
    kiro: Kiro, gateway: Gateway
) -> None:
    headers = {"x-kiro-conversation-id": "shared"}
    texts: dict[int, str] = {}

    async def client(number: int) -> None:
        reply = await ask(gateway, "openai", f"Number {number}", stream=True, headers=headers)
        texts[number] = reply.text

    async with anyio.create_task_group() as clients:
        for number in range(20):
            clients.start_soon(client, number)
    assert texts == {number: f"You said: Number {number}" for number in range(20)}
    sent = [json.loads(entry.body) for entry in kiro.state.log.entries("generate")]
    assert {body["conversationState"]["conversationId"] for body in sent} == {"shared"}
