"""How these tests speak to the simulator: bodies, headers, frames read by their own few lines."""

import copy
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.simulator.accounts import DEMO_ACCOUNTS, DemoAccount

ACCOUNTS = {account.name: account for account in DEMO_ACCOUNTS}
BUILDER = ACCOUNTS["builder"]
KEY = ACCOUNTS["key"]
TARGET = "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"
MANAGEMENT = "AmazonCodeWhispererService."
RPC = "application/x-amz-json-1.0"

Body = dict[str, Any]

STOCK_TOOL: Body = {
    "toolSpecification": {
        "name": "stock_count",
        "description": "Count the loaves of one kind.",
        "inputSchema": {
            "json": {
                "type": "object",
                "properties": {"item": {"type": "string"}},
                "required": ["item"],
            }
        },
    }
}
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGP4z8AARAwoFABE0AX7pM/egAAAAABJRU5E"
    "rkJggg=="
)  # 2 × 3 pixels


def ask(text: str, model: str = "claude-sonnet-4.5", *, tools: list[Body] | None = None) -> Body:
    """A body with one message."""
    message: Body = {"content": text, "modelId": model, "origin": "AI_EDITOR"}
    if tools is not None:
        message["userInputMessageContext"] = {"tools": tools}
    return {
        "conversationState": {
            "chatTriggerType": "MANUAL",
            "conversationId": "c0ffee00-0000-4000-8000-000000000001",
            "currentMessage": {"userInputMessage": message},
        }
    }


def tool(name: str, schema: Body | None = None) -> Body:
    """A declared tool."""
    made = copy.deepcopy(STOCK_TOOL)
    made["toolSpecification"]["name"] = name
    if schema is not None:
        made["toolSpecification"]["inputSchema"]["json"] = schema
    return made


def after_tool_use(text: str = "") -> Body:
    """A complete body: a system pair, a question, a tool use, and now its result."""
    body = ask(text, tools=[copy.deepcopy(STOCK_TOOL)])
    state = body["conversationState"]
    state["agentTaskType"] = "vibe"
    state["agentContinuationId"] = "5f0f3c1e-3f0e-5a1b-9a40-6d6a2b1f7c55"
    state["history"] = [
        user("You answer questions about a bakery's stock."),
        assistant("Understood."),
        user("How many rye loaves are left?"),
        assistant("Let me look.", ("tooluse_8hK2", "stock_count", {"item": "rye"})),
    ]
    context = state["currentMessage"]["userInputMessage"]["userInputMessageContext"]
    context["toolResults"] = [result("tooluse_8hK2", '{"rye": 7}')]
    return body


def user(content: str) -> Body:
    """A user entry of the history."""
    return {
        "userInputMessage": {
            "content": content,
            "modelId": "claude-sonnet-4.5",
            "origin": "AI_EDITOR",
        }
    }


def assistant(content: str, *uses: tuple[str, str, Body]) -> Body:
    """An assistant entry of the history."""
    message: Body = {"content": content}
    if uses:
        message["toolUses"] = [{"toolUseId": i, "name": n, "input": given} for i, n, given in uses]
    return {"assistantResponseMessage": message}


def result(tool_use_id: str, text: str) -> Body:
    """A successful tool result."""
    return {"toolUseId": tool_use_id, "status": "success", "content": [{"text": text}]}


def current(body: Body) -> Body:
    """The current user message of a body."""
    message: Body = body["conversationState"]["currentMessage"]["userInputMessage"]
    return message


def headers_of(account: DemoAccount, target: str | None = TARGET) -> dict[str, str]:
    """What must come with a request of this account."""
    headers = {"authorization": f"Bearer {account.bearer}", "content-type": RPC}
    if account.token_type:
        headers["tokentype"] = account.token_type
    if target:
        headers["x-amz-target"] = target
    return headers


def post(http: httpx.Client, body: Body, account: DemoAccount = KEY) -> httpx.Response:
    """Ask for an answer."""
    return http.post("/", headers=headers_of(account), json=body)


def post_as(
    http: httpx.Client, body: Body, bearer: str, token_type: str | None = None
) -> httpx.Response:
    """Ask for an answer with a bearer that no demo account has."""
    headers = {**headers_of(KEY), "authorization": f"Bearer {bearer}"}
    headers.pop("tokentype")
    if token_type is not None:
        headers["tokentype"] = token_type
    return http.post("/", headers=headers, json=body)


@dataclass(frozen=True)
class Seen:
    """A frame as it came: its string headers and its payload."""

    headers: dict[str, str]
    raw: bytes

    @property
    def kind(self) -> str:
        return self.headers.get(":event-type") or self.headers.get(":exception-type") or ""

    @property
    def payload(self) -> Body:
        payload: Body = json.loads(self.raw)
        return payload


def frames(data: bytes) -> list[Seen]:
    """Every frame, both checksums checked; nothing may be left over."""
    seen = []
    while data:
        total, length, prelude_crc = struct.unpack_from(">III", data)
        assert zlib.crc32(data[:8]) == prelude_crc
        assert zlib.crc32(data[: total - 4]) == struct.unpack_from(">I", data, total - 4)[0]
        seen.append(
            Seen(dict(_string_headers(data[12 : 12 + length])), data[12 + length : total - 4])
        )
        data = data[total:]
    return seen


def _string_headers(block: bytes) -> Iterator[tuple[str, str]]:
    sizes = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
    at = 0
    while at < len(block):
        name_end = at + 1 + block[at]
        name, kind = block[at + 1 : name_end].decode(), block[name_end]
        at = name_end + 1
        if kind in sizes:
            at += sizes[kind]
            continue
        size = struct.unpack_from(">H", block, at)[0]
        value, at = block[at + 2 : at + 2 + size], at + 2 + size
        if kind == 7:
            yield name, value.decode()


def text_of(seen: list[Seen]) -> str:
    """The visible text."""
    return "".join(
        frame.payload.get("content", "") for frame in seen if frame.kind == "assistantResponseEvent"
    )


def thoughts_of(seen: list[Seen]) -> str:
    """The native reasoning."""
    return "".join(
        frame.payload.get("text", "") for frame in seen if frame.kind == "reasoningContentEvent"
    )


def calls_of(seen: list[Seen]) -> list[tuple[str, Body]]:
    """The tool calls with their parsed input, in order of appearance."""
    names: dict[str, str] = {}
    inputs: dict[str, str] = {}
    for frame in seen:
        if frame.kind == "toolUseEvent":
            identity = frame.payload["toolUseId"]
            names[identity] = frame.payload["name"]
            inputs[identity] = inputs.get(identity, "") + frame.payload.get("input", "")
    return [(name, json.loads(inputs[i])) for i, name in names.items()]


def answer(http: httpx.Client, body: Body, account: DemoAccount = KEY) -> list[Seen]:
    """Ask and read the whole answer."""
    response = post(http, body, account)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    return frames(response.content)


def last_rules(http: httpx.Client) -> list[str]:
    """The rules that the last request broke, from the log."""
    rules: list[str] = http.get("/_sim/log?last=1").json()["requests"][0]["rules"]
    return rules
