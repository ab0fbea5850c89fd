"""Makes tests/recordings: answers as upstream sends them, each beside what a client sees of it.

    .venv/bin/python scripts/make_recordings.py

The bytes are what the simulator's frame writer makes of the events below, the expected outputs what
the gateway makes of the bytes. Nothing is random, so a change of the gateway shows as a diff of
these files, to be read like code before it is kept.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from gateway.protocol.eventstream import HeaderValue, encode_frame
from gateway.simulator.wire import Event, error_frame, event_frame, exception_frame, pieces
from tests.relay.replay import DIALECTS, RECORDINGS, Reading, Recording, replay


def text(*contents: str) -> bytes:
    """Increments of visible text."""
    return b"".join(Event("assistantResponseEvent", {"content": each}).frame() for each in contents)


def reasoning(*texts: str, signature: str | None = None, redacted: str | None = None) -> bytes:
    """Increments of reasoning, and what ends them."""
    frames = [Event("reasoningContentEvent", {"text": each}).frame() for each in texts]
    if signature is not None:
        frames.append(Event("reasoningContentEvent", {"text": "", "signature": signature}).frame())
    if redacted is not None:
        frames.append(Event("reasoningContentEvent", {"redactedContent": redacted}).frame())
    return b"".join(frames)


def tool(tool_use_id: str, name: str, **members: object) -> bytes:
    """One event of a tool call."""
    return Event("toolUseEvent", {"toolUseId": tool_use_id, "name": name, **members}).frame()


def call(tool_use_id: str, name: str, tool_input: str, *, stop: bool = True) -> bytes:
    """A whole tool call: the name alone, the input in fragments, and as a rule the end."""
    fragments = [tool(tool_use_id, name, input=piece) for piece in pieces(tool_input, 7)]
    end = [tool(tool_use_id, name, stop=True)] if stop else []
    return b"".join([tool(tool_use_id, name), *fragments, *end])


def closing(
    *, metering: float | None = 0.0731, tokens: bool = True, percentage: float | None = 3.41
) -> bytes:
    """The accounting that ends an answer, or parts of it."""
    frames = []
    if metering is not None:
        credit = {"unit": "credit", "unitPlural": "credits", "usage": metering}
        frames.append(Event("meteringEvent", credit).frame())
    if tokens:
        counts = {
            "uncachedInputTokens": 812,
            "cacheReadInputTokens": 6400,
            "cacheWriteInputTokens": 0,
            "outputTokens": 96,
            "totalTokens": 7308,
        }
        frames.append(Event("metadataEvent", {"tokenUsage": counts}).frame())
    if percentage is not None:
        usage = {"contextUsagePercentage": percentage}
        frames.append(Event("contextUsageEvent", usage).frame())
    return b"".join(frames)


def interleaved(*frames: Iterable[bytes]) -> bytes:
    """Events of calls that take turns."""
    return b"".join(frame for turn in zip(*frames, strict=True) for frame in turn)


def damaged(frame: bytes) -> bytes:
    """The frame with one bit of its payload turned over."""
    return frame[:-6] + bytes([frame[-6] ^ 1]) + frame[-5:]


IDENTITY = {"conversationId": "a2f6f0f2-1d0b-4a53-8f5b-0e6b7d2a91c4", "utteranceId": "0d5f"}
OPENING = Event("messageMetadataEvent", IDENTITY).frame()
SIGNATURE = "EqkBCkgIARABGAIiQ"
SEALED = "ZW5jcnlwdGVkLWJ5dGVz"
RYE = '{"item": "rye", "note": "half \\"baked\\" }"}'
UNICODE = (
    '你好，世界。 👩‍👩‍👧 é\u0301 \u2028 \u0085 \u202e"\\\n\t\x00\x1f</script> ',
    "𠮷",
    "\ufeff\u200b",
)
COUNTING = "one two three four five six seven eight nine ten eleven twelve"
WITH_TOOL = Reading(tools=("stock_count",))
LIVE = Reading(tools=("stock_count",), live_tools=True)
TAGGED = Reading(tools=("stock_count",), thinking=True)


def catalogue() -> bytes:
    """Every event of the service's interface, and one from the future, around a short text."""
    extras: tuple[tuple[str, bytes], ...] = (
        (
            "supplementaryWebLinksEvent",
            b'{"supplementaryWebLinks":[{"url":"https://example.org"}]}',
        ),
        ("codeReferenceEvent", b'{"references":[{"licenseName":"MIT","repository":"example/o"}]}'),
        ("citationEvent", b'{"target":{"location":0},"citationLink":"https://example.org"}'),
        ("followupPromptEvent", b'{"followupPrompt":{"content":"Shall I reorder?"}}'),
        ("assistantResponseEvent", b'{"content":"","followupPrompt":{"content":"And then?"}}'),
        ("intentsEvent", b'{"intents":{}}'),
        ("interactionComponentsEvent", b'{"interactionComponentEntries":[]}'),
        ("dryRunSucceedEvent", b""),
        ("toolResultEvent", b'{"toolResult":{"toolUseId":"t","content":[{"text":"x"}]}}'),
        ("eventFromTheFuture", b'{"content":"not for now"}'),
        ("eventFromTheFuture", b"\xff no JSON"),
        ("codeEvent", b'{"content":"print()"}'),
    )
    return b"".join(
        [
            event_frame("initial-response", b"{}"),
            OPENING,
            text("Before. "),
            *(event_frame(kind, payload) for kind, payload in extras),
            text(" After."),
            closing(),
        ]
    )


def old_forms() -> bytes:
    """Headers of every type or nearly none, and payloads inside an object named like the event."""
    odd: dict[str, HeaderValue] = {
        "yes": True,
        "no": False,
        "byte": 1,
        "short": 1 << 9,
        "integer": -(1 << 20),
        "long": 1 << 40,
        "bytes": b"\x00\xff",
        "text": "ü",
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        "id": UUID(int=7),
        ":event-type": "assistantResponseEvent",
    }
    whole = b'{"toolUseId":"tooluse_8hK2","name":"stock_count","input":{"item":"rye"}}'
    return b"".join(
        [
            encode_frame(odd, b'{"content":"odd headers, ","messageStatus":"IN_PROGRESS"}'),
            encode_frame({":event-type": "assistantResponseEvent"}, b'{"content":"bare, "}'),
            event_frame(
                "assistantResponseEvent", b'{"assistantResponseEvent":{"content":"wrapped"}}'
            ),
            event_frame("toolUse", whole),
            event_frame("meteringEvent", b'{"meteringEvent":{"unit":"credit","usage":0.5}}'),
        ]
    )


RECORDED: dict[str, tuple[str, bytes, Reading]] = {
    "text": (
        "a plain answer, with equal and empty increments",
        OPENING + text("Half a ", "", "loaf, ha ", "ha ", "ha ", "\n", "\n", "!") + closing(),
        Reading(),
    ),
    "text-unicode": (
        "Chinese, emoji, line separators, control characters, quotes",
        text(*UNICODE, *pieces(UNICODE[0], 1)) + closing(),
        Reading(),
    ),
    "text-half-surrogates": (
        "halves of surrogate pairs, which are legal in JSON and in nothing else",
        event_frame("assistantResponseEvent", b'{"content":"a \\ud83d b \\ud83d\\ude00"}')
        + closing(),
        Reading(),
    ),
    "thinking-native": (
        "reasoning with its signature, then text",
        OPENING
        + reasoning("The user wants ", "a number.", signature=SIGNATURE)
        + text("Seven.")
        + closing(),
        Reading(thinking=True),
    ),
    "thinking-native-hidden": (
        "the same for a client that wants no reasoning text",
        reasoning("The user wants ", "a number.", signature=SIGNATURE) + text("Seven.") + closing(),
        Reading(thinking=True, show_thinking=False),
    ),
    "thinking-native-unsigned": (
        "reasoning without a signature, between texts, and a tag that is text",
        text("Well. ")
        + reasoning("Hm.")
        + text("<thinking>", "plain</thinking>")
        + reasoning("Hm again.")
        + closing(),
        Reading(thinking=True),
    ),
    "thinking-redacted": (
        "reasoning that only the service can read, before and after a call",
        reasoning(redacted=SEALED)
        + text("Seven.")
        + call("tooluse_8hK2", "stock_count", RYE)
        + reasoning(redacted=SEALED)
        + closing(),
        WITH_TOOL,
    ),
    "thinking-tagged": (
        "reasoning in tags that are cut everywhere, then text",
        text(*pieces("\n<thinking>\nA stock question. 你好\n</thinking>\n\nSeven loaves.", 3))
        + closing(),
        TAGGED,
    ),
    "thinking-tag-quoted": (
        "reasoning that mentions its own closing tag, and a second block that is text",
        text(*pieces("<think>Not `</think>` yet.</think>\nDone. <think>No.</think>", 5))
        + closing(),
        TAGGED,
    ),
    "thinking-tag-unclosed": (
        "a thinking tag that is never closed, then a call",
        text("<thinking>I need ", "the tool.")
        + call("tooluse_8hK2", "stock_count", RYE)
        + closing(),
        TAGGED,
    ),
    "thinking-only": (
        "reasoning and nothing to see",
        reasoning("Hm, ", "and on.", signature=SIGNATURE) + closing(),
        Reading(thinking=True),
    ),
    "tool-call": (
        "text and a call",
        OPENING + text("Let me look.") + call("tooluse_8hK2", "stock_count", RYE) + closing(),
        WITH_TOOL,
    ),
    "tools-parallel": (
        "three calls, one after the other; the second has no input, the third equals the first",
        call("tooluse_a", "stock_count", RYE)
        + tool("tooluse_b", "stock_count")
        + tool("tooluse_b", "stock_count", stop=True)
        + call("tooluse_c", "stock_count", RYE)
        + closing(),
        WITH_TOOL,
    ),
    "tools-parallel-live": (
        "the same, passed on as it comes",
        call("tooluse_a", "stock_count", RYE)
        + tool("tooluse_b", "stock_count")
        + tool("tooluse_b", "stock_count", stop=True)
        + call("tooluse_c", "stock_count", RYE)
        + closing(),
        LIVE,
    ),
    "tools-interleaved": (
        "two calls whose events take turns",
        interleaved(
            (tool("a", "stock_count", input='{"item"'), tool("a", "stock_count", input=':"rye"}')),
            (tool("b", "stock_count", input='{"item":"'), tool("b", "stock_count", input='oat"}')),
        )
        + tool("b", "stock_count", stop=True)
        + tool("a", "stock_count", stop=True)
        + closing(),
        WITH_TOOL,
    ),
    "tools-interleaved-live": (
        "the same, passed on as it comes",
        interleaved(
            (tool("a", "stock_count", input='{"item"'), tool("a", "stock_count", input=':"rye"}')),
            (tool("b", "stock_count", input='{"item":"'), tool("b", "stock_count", input='oat"}')),
        )
        + tool("b", "stock_count", stop=True)
        + tool("a", "stock_count", stop=True)
        + closing(),
        LIVE,
    ),
    "tools-without-stops": (
        "two calls, neither of which is ended",
        call("tooluse_a", "stock_count", RYE, stop=False)
        + call("tooluse_b", "stock_count", RYE, stop=False)
        + closing(),
        WITH_TOOL,
    ),
    "tool-input-object": (
        "input as an object, after an empty one; and a call in a single event",
        tool("tooluse_a", "stock_count", input={})
        + tool("tooluse_a", "stock_count", input={"item": "rye", "more": [None, 1.5]})
        + tool("tooluse_a", "stock_count", stop=True)
        + tool("tooluse_b", "stock_count", input=RYE, stop=True)
        + closing(),
        WITH_TOOL,
    ),
    "tool-told-twice": (
        "one call under one id, first with empty input and then with the real one",
        call("tooluse_8hK2", "stock_count", "{}")
        + call("tooluse_8hK2", "stock_count", RYE)
        + closing(),
        WITH_TOOL,
    ),
    "tool-without-id": (
        "calls that bring no id",
        Event("toolUseEvent", {"name": "stock_count", "input": RYE, "stop": True}).frame()
        + Event("toolUseEvent", {"name": "stock_count", "input": "{}", "stop": True}).frame()
        + closing(),
        WITH_TOOL,
    ),
    "tool-then-text": (
        "text, a call, and more text after it",
        text("Let me look.")
        + call("tooluse_8hK2", "stock_count", RYE)
        + text("And ", "so on.")
        + closing(),
        WITH_TOOL,
    ),
    "tool-renamed": (
        "a call under the alias of a tool whose name the service would not take",
        call("tooluse_8hK2", "kgw_stock_count_1f", RYE) + closing(),
        Reading(tools=("stock.count",), originals={"kgw_stock_count_1f": "stock.count"}),
    ),
    "tool-builtin": (
        "calls of the service's own tools: one that the client can do, and one that it cannot",
        text("Let me read.")
        + call("tooluse_a", "readFile", '{"path": "/a file"}')
        + call("tooluse_b", "browser_click", '{"selector": "#go"}')
        + closing(),
        Reading(tools=("Read",)),
    ),
    "tool-input-cut": (
        "a call whose input stops in the middle, behind text and a whole call",
        text("Let me look.")
        + call("tooluse_a", "stock_count", RYE)
        + call("tooluse_b", "stock_count", RYE[:20])
        + closing(),
        WITH_TOOL,
    ),
    "tool-input-cut-only": (
        "such a call and nothing else",
        call("tooluse_8hK2", "stock_count", RYE[:20]) + closing(),
        WITH_TOOL,
    ),
    "tool-input-cut-live": (
        "such a call behind text, passed on as it came",
        text("Let me look.") + call("tooluse_8hK2", "stock_count", RYE[:20]) + closing(),
        LIVE,
    ),
    "cut-after-content": (
        "an end without any accounting",
        OPENING + text("Let me look.") + call("tooluse_8hK2", "stock_count", RYE),
        WITH_TOOL,
    ),
    "cut-inside-a-call": (
        "an end inside a call, without any accounting",
        text("Let me look.") + call("tooluse_8hK2", "stock_count", RYE[:20], stop=False),
        WITH_TOOL,
    ),
    "cut-inside-a-frame": (
        "an end inside a frame",
        text("Half a ", "loaf") + text("is better than none.")[:60],
        Reading(),
    ),
    "damaged-frame": (
        "a frame that fails its checksum",
        text("Half a ") + damaged(text("loaf")) + text("!") + closing(),
        Reading(),
    ),
    "exception-first": (
        "an exception before any content",
        OPENING + exception_frame("ThrottlingException", "Too many requests."),
        Reading(),
    ),
    "exception-later": (
        "an exception inside the text",
        text("Half a ")
        + exception_frame("ThrottlingException", "No capacity.", "INSUFFICIENT_MODEL_CAPACITY"),
        Reading(),
    ),
    "exception-inside-a-call": (
        "an exception inside a call that is passed on as it comes",
        text("Let me look.")
        + call("tooluse_8hK2", "stock_count", RYE[:20], stop=False)
        + exception_frame("InternalServerException", "Something went wrong."),
        LIVE,
    ),
    "error-later": (
        "a message of type `error`, which has all in its headers",
        reasoning("Hm.") + error_frame("InternalServerException", "Something broke."),
        Reading(thinking=True),
    ),
    "invalid-state-later": (
        "the event that says the state is invalid",
        text("Half a ")
        + event_frame(
            "invalidStateEvent", b'{"reason":"INVALID_TASK_ASSIST_PLAN","message":"No."}'
        ),
        Reading(),
    ),
    "answer-too-long": (
        "the service ends an answer that became too long",
        text("Half a ", "loaf")
        + exception_frame("ContentLengthExceededException", "The answer is too long."),
        Reading(),
    ),
    "metering-only": (
        "no token counts: they are estimated",
        text("Seven.") + closing(tokens=False, percentage=None),
        Reading(),
    ),
    "context-usage-only": (
        "only the percentage of the window: counts are derived from it",
        text("Seven.") + closing(metering=None, tokens=False),
        Reading(),
    ),
    "context-full": (
        "a window that is full",
        text("Seven.") + closing(percentage=100.0),
        Reading(),
    ),
    "accounting-only": ("nothing but accounting", OPENING + closing(), Reading()),
    "stop-sequence": (
        "a stop sequence that is cut into three increments, and another that it begins like",
        text("one two", " thr", "e", "e four") + closing(),
        Reading(stop_sequences=("three", " thru")),
    ),
    "stop-sequence-in-a-call": (
        "a stop sequence does not look into calls",
        text("Let me look.") + call("tooluse_8hK2", "stock_count", RYE) + text("STOP!") + closing(),
        Reading(tools=("stock_count",), stop_sequences=("baked", "STOP")),
    ),
    "max-tokens": (
        "a limit of the client's that is reached in the middle",
        text(*pieces(COUNTING, 4)) + closing(),
        Reading(max_tokens=5),
    ),
    "event-catalogue": ("every event there is", catalogue(), Reading()),
    "old-forms": ("forms of earlier days", old_forms(), WITH_TOOL),
}


def write(folder: Path) -> None:
    """Put every recording, its expected outputs and the index into `folder`, and nothing else."""
    for old in folder.glob("*.*"):
        if old.suffix in {".bin", ".sse", ".json"}:
            old.unlink()
    for name, (_, data, reading) in RECORDED.items():
        (folder / f"{name}.bin").write_bytes(data)
        for dialect in DIALECTS:
            answer = replay([data], reading, dialect, "answer")
            (folder / f"{name}.{dialect}.json").write_bytes(answer.body + b"\n")
            stream = replay([data], reading, dialect, "stream")
            if stream.started or stream.failure is None:  # else there is a status and no stream
                (folder / f"{name}.{dialect}.sse").write_bytes(stream.body)
    index = {name: Recording(about, reading) for name, (about, _, reading) in RECORDED.items()}
    text_of_index = msgspec.json.format(msgspec.json.encode(index), indent=2)
    (folder / "index.json").write_bytes(text_of_index + b"\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDINGS)
