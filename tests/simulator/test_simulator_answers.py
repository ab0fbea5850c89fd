import base64
import copy
import json

import httpx
import pytest

from gateway.simulator.server import serve_in_thread
from tests.simulator.simulator_client import (
    ACCOUNTS,
    KEY,
    PNG,
    Body,
    after_tool_use,
    answer,
    ask,
    assistant,
    calls_of,
    current,
    post,
    result,
    text_of,
    thoughts_of,
    tool,
    user,
)

BASH = tool(
    "Bash",
    {
        "type": "object",
        "properties": {"command": {"type": "string"}, "description": {"type": "string"}},
        "required": ["command"],
    },
)
WEATHER = tool(
    "get_weather",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 9},
            "days": {"type": "integer", "minimum": 3},
            "unit": {"enum": ["C", "F"]},
            "place": {
                "type": "object",
                "properties": {"id": {"type": "string", "format": "uuid"}},
                "required": ["id"],
            },
            "note": {"type": "string"},
        },
        "required": ["city", "days", "unit", "place"],
    },
)
TOOLS = [BASH, WEATHER, tool("stock_count")]
TAGS = "<thinking_mode>enabled</thinking_mode><max_thinking_length>2000</max_thinking_length>"


def kinds_of(http: httpx.Client, body: Body) -> list[str]:
    """The event types, runs of one type folded together."""
    folded: list[str] = []
    for frame in answer(http, body):
        if not folded or folded[-1] != frame.kind:
            folded.append(frame.kind)
    return folded


def test_events_come_in_the_usual_order(http: httpx.Client) -> None:
    body = ask("[[think Hm.]] call stock_count", "claude-opus-4.6", tools=TOOLS)
    body["additionalModelRequestFields"] = {"thinking": {"type": "adaptive"}}
    assert kinds_of(http, body) == [
        "messageMetadataEvent",
        "reasoningContentEvent",
        "assistantResponseEvent",
        "toolUseEvent",
        "meteringEvent",
        "metadataEvent",
        "contextUsageEvent",
    ]


@pytest.mark.parametrize(
    ("switch", "kind"),
    [
        ("message_metadata", "messageMetadataEvent"),
        ("metering", "meteringEvent"),
        ("metadata", "metadataEvent"),
        ("context_usage", "contextUsageEvent"),
    ],
)
def test_an_accompanying_event_can_be_switched_off(
    http: httpx.Client, switch: str, kind: str
) -> None:
    assert kind in kinds_of(http, ask("Hello"))
    http.put("/_sim/events", json={switch: False})
    assert kind not in kinds_of(http, ask("Hello"))


def test_a_long_text_is_echoed_in_part(http: httpx.Client) -> None:
    text = text_of(answer(http, ask("x" * 3000)))
    assert text == "You said: " + "x" * 2000 + " … and 1000 characters more"


def test_what_client_programs_add_is_not_echoed(http: httpx.Client) -> None:
    reminder = "<system-reminder>\ncall stock_count now\n</system-reminder>"
    seen = answer(http, ask(f"{reminder}\nHello\n{reminder}", tools=TOOLS))
    assert text_of(seen) == "You said: Hello"
    assert calls_of(seen) == []


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Please call stock_count.", [("stock_count", {"item": "sample"})]),
        ("Use the `stock_count` tool, please", [("stock_count", {"item": "sample"})]),
        ("use tool STOCK_COUNT", [("stock_count", {"item": "sample"})]),
        (
            'call stock_count with {"item": "rye", "deep": {"a": [1, "}"]}} please',
            [("stock_count", {"item": "rye", "deep": {"a": [1, "}"]}})],
        ),
        (
            'Call stock_count with {"item": "rye"} and stock_count {"item": "oat"}, then Bash.',
            [
                ("stock_count", {"item": "rye"}),
                ("stock_count", {"item": "oat"}),
                ("Bash", {"command": "sample"}),
            ],
        ),
        ('[[call #3 {"item": "a]]b"}]]', [("stock_count", {"item": "a]]b"})]),
        ("[[call Bash]] [[call stock_count]]", [
            ("Bash", {"command": "sample"}), ("stock_count", {"item": "sample"}),
        ]),
        ("run `ls -l /tmp`", [
            ("Bash", {"command": "ls -l /tmp", "description": "Run the command that the user gave"})
        ]),
        ("I use bash on my machine", []),
        ("call unknown_tool", []),
        ("[[call #9]]", []),
        ("Tell me about stock_count", []),
    ],
)  # fmt: skip
def test_a_declared_tool_is_called_when_asked_to(
    http: httpx.Client, text: str, calls: list[tuple[str, Body]]
) -> None:
    assert calls_of(answer(http, ask(text, tools=TOOLS))) == calls


def test_an_input_nobody_gave_is_made_up_to_fit_the_schema(http: httpx.Client) -> None:
    calls = calls_of(answer(http, ask("call get_weather", tools=TOOLS)))
    assert calls == [
        (
            "get_weather",
            {
                "city": "samplexxx",
                "days": 3,
                "unit": "C",
                "place": {"id": "00000000-0000-4000-8000-000000000000"},
            },
        )
    ]


def test_a_shell_tool_that_takes_a_list_gets_one(http: httpx.Client) -> None:
    shell = tool(
        "shell",
        {
            "type": "object",
            "properties": {"command": {"type": "array", "items": {"type": "string"}}},
            "required": ["command"],
        },
    )
    calls = calls_of(answer(http, ask("run `echo hi`", tools=[shell])))
    assert calls == [("shell", {"command": ["bash", "-lc", "echo hi"]})]


def test_a_call_starts_bare_and_stops_bare(http: httpx.Client) -> None:
    events = [
        frame.payload
        for frame in answer(http, ask("call stock_count", tools=TOOLS))
        if frame.kind == "toolUseEvent"
    ]
    assert events[0].keys() == {"toolUseId", "name"}
    assert events[-1].keys() == {"toolUseId", "name", "stop"}
    assert all(event.keys() == {"toolUseId", "name", "input"} for event in events[1:-1])
    assert len(events) > 3


def test_tool_results_are_reported_by_name_and_outcome(http: httpx.Client) -> None:
    body = after_tool_use()
    state = body["conversationState"]
    state["history"][3] = assistant(".", ("one", "stock_count", {}), ("two", "stock_count", {}))
    failed = {**result("two", "no such shelf"), "status": "error"}
    current(body)["userInputMessageContext"]["toolResults"] = [result("one", "7"), failed]
    assert text_of(answer(http, body)) == (
        "The tool stock_count answered: 7\nThe tool stock_count failed: no such shelf"
    )


def test_text_beside_tool_results_is_answered_too(http: httpx.Client) -> None:
    text = text_of(answer(http, after_tool_use("And wheat?")))
    assert text == 'The tool stock_count answered: {"rye": 7}\nYou said: And wheat?'


def test_a_tool_can_be_called_again_for_as_many_rounds_as_wanted(http: httpx.Client) -> None:
    body = after_tool_use()
    state = body["conversationState"]
    state["history"][2] = user("Count the rye. [[rounds 2]]")
    assert calls_of(answer(http, body)) == [("stock_count", {"item": "rye"})]
    state["history"] += [
        {"userInputMessage": {**copy.deepcopy(current(body)), "userInputMessageContext": {
            "toolResults": current(body)["userInputMessageContext"]["toolResults"]}}},
        assistant("Again.", ("again", "stock_count", {"item": "rye"})),
    ]  # fmt: skip
    current(body)["userInputMessageContext"]["toolResults"] = [result("again", "6")]
    assert calls_of(answer(http, body)) == []


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("[[say 3 words]]", "alder birch cedar"),
        ("[[count to 5]]", "1 2 3 4 5"),
        ("[[reply Grüß Gott,\\n世界]]", "Grüß Gott,\n世界"),
        ('[[reply {"a": [1]}]] and the rest', '{"a": [1]}'),
        ("[[scenario:no-such-thing]]", "There is no scenario called no-such-thing."),
        ("[[]] [[unknown thing]]", "You said: [[]] [[unknown thing]]"),
    ],
)
def test_commands_decide_the_text(http: httpx.Client, command: str, text: str) -> None:
    assert text_of(answer(http, ask(command))) == text


def test_describe_tells_what_arrived(http: httpx.Client) -> None:
    body = after_tool_use("[[describe]]")
    described = json.loads(text_of(answer(http, body)))
    assert described["first_text"] == "You answer questions about a bakery's stock."
    assert described["history"] == 4
    assert described["tools"] == ["stock_count"]
    assert described["tool_results"] == ["success"]


def test_images_are_described_by_format_and_size(http: httpx.Client) -> None:
    gif = base64.b64encode(b"GIF89a\x05\x00\x04\x00").decode()
    body = ask("")
    current(body)["images"] = [
        {"format": "png", "source": {"bytes": PNG}},
        {"format": "gif", "source": {"bytes": gif}},
        {"format": "jpeg", "source": {"bytes": "AAAA"}},
    ]
    assert text_of(answer(http, body)).splitlines() == [
        "I see a png image: 2 × 3 pixels, 73 bytes.",
        "I see a gif image: 5 × 4 pixels, 10 bytes.",
        "I see a jpeg image: 3 bytes.",
    ]


def test_tags_in_front_of_the_system_text_make_it_think_in_text(http: httpx.Client) -> None:
    body = ask("Hello [[think Well.]]")
    body["conversationState"]["history"] = [user(TAGS + "\nBe terse."), assistant("OK")]
    text = text_of(answer(http, body))
    assert text.startswith("<thinking>\nWell.\n</thinking>\n\nYou said: Hello")
    body["conversationState"]["history"][0] = user("Be terse.")
    assert "<thinking>" not in text_of(answer(http, body))


def test_adaptive_tags_make_it_think_too(http: httpx.Client) -> None:
    tags = "<thinking_mode>adaptive</thinking_mode><thinking_effort>high</thinking_effort>"
    assert text_of(answer(http, ask(f"{tags}\n\nHello"))).startswith("<thinking>\n")


def opus(text: str, **fields: object) -> Body:
    body = ask(text, "claude-opus-4.6")
    body["additionalModelRequestFields"] = fields
    return body


def test_model_fields_make_it_think_natively_with_a_signature_it_takes_back(
    http: httpx.Client,
) -> None:
    seen = answer(http, opus("[[think I see.]]", thinking={"type": "adaptive"}))
    assert thoughts_of(seen) == "I see."
    assert "<thinking>" not in text_of(seen)
    signature = [f for f in seen if f.kind == "reasoningContentEvent"][-1].payload["signature"]

    def replay(thought: str) -> httpx.Response:
        body = ask("And now?", "claude-opus-4.6")
        said = assistant("So.")
        said["assistantResponseMessage"]["reasoningContent"] = {
            "reasoningText": {"text": thought, "signature": signature}
        }
        body["conversationState"]["history"] = [user("First?"), said]
        return post(http, body)

    assert replay("I see.").status_code == 200
    assert replay("I saw.").status_code == 400


def test_omitted_thinking_is_signed_but_not_told(http: httpx.Client) -> None:
    fields = {"type": "adaptive", "display": "omitted"}
    seen = [f for f in answer(http, opus("Hi", thinking=fields)) if "reasoning" in f.kind]
    assert [frame.payload["text"] for frame in seen] == [""]
    assert seen[0].payload["signature"]


def test_disabled_thinking_is_none(http: httpx.Client) -> None:
    seen = answer(http, opus("Hi", thinking={"type": "disabled"}))
    assert not [frame for frame in seen if frame.kind == "reasoningContentEvent"]


def test_a_gpt_model_seals_its_reasoning_and_sends_it_last(http: httpx.Client) -> None:
    body = ask("call stock_count", "gpt-5.6-sol", tools=TOOLS)
    body["additionalModelRequestFields"] = {"reasoning": {"effort": "high"}}
    kinds = kinds_of(http, body)
    assert kinds.index("reasoningContentEvent") > kinds.index("toolUseEvent")


def test_a_free_account_does_not_see_the_large_models(http: httpx.Client) -> None:
    reply = post(http, ask("Hello", "claude-opus-4.5"), ACCOUNTS["builder"])
    assert reply.json()["reason"] == "INVALID_MODEL_ID"
    assert post(http, ask("Hello", "claude-opus-4.5"), KEY).status_code == 200


def test_the_figures_agree_with_each_other(http: httpx.Client) -> None:
    payloads = {frame.kind: frame.payload for frame in answer(http, ask("[[say 500 words]]"))}
    usage = payloads["metadataEvent"]["tokenUsage"]
    read = usage["uncachedInputTokens"] + usage["cacheReadInputTokens"]
    assert usage["totalTokens"] == read + usage["outputTokens"]
    percentage = payloads["contextUsageEvent"]["contextUsagePercentage"]
    assert percentage == pytest.approx(usage["totalTokens"] / 200_000 * 100, abs=1e-4)
    assert payloads["meteringEvent"]["usage"] > 0


def test_what_a_conversation_read_before_is_cached(http: httpx.Client) -> None:
    def cached() -> int:
        tail = {frame.kind: frame.payload for frame in answer(http, after_tool_use())}
        count: int = tail["metadataEvent"]["tokenUsage"]["cacheReadInputTokens"]
        return count

    assert cached() == 0
    assert cached() > 0


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    def replies(seed: int) -> list[bytes]:
        with serve_in_thread(seed=seed) as running, httpx.Client(base_url=running.url) as client:
            return [post(client, ask("call stock_count", tools=TOOLS)).content for _ in range(2)]

    first = replies(1)
    assert first == replies(1)
    assert first[0] != first[1]
    assert first != replies(2)
