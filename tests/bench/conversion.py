"""Converting a body of the size and make that Claude Code sends late in a session."""

import json
import time
from statistics import median

from gateway.dialects.anthropic.request import parse
from gateway.kiro.lint import lint
from gateway.kiro.payload import BuildOptions, build_request
from gateway.kiro.trim import fit

PROSE = "The build fails on the second step because the lock file names a version that is gone. "


def claude_code_body(size: int = 330_000) -> bytes:
    """A conversation of about `size` bytes: 30 tools, thinking, tool calls and their results."""
    tools = [
        {
            "name": f"Tool{number}",
            "description": PROSE * 12,
            "input_schema": {
                "type": "object",
                "properties": {
                    f"field_{index}": {"type": "string", "description": PROSE}
                    for index in range(12)
                },
                "required": ["field_0", "field_1"],
                "additionalProperties": False,
                "$schema": "http://json-schema.org/draft-07/schema#",
            },
        }
        for number in range(30)
    ]
    messages: list[dict[str, object]] = [{"role": "user", "content": PROSE * 30}]
    body = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 32000,
        "stream": True,
        "system": [{"type": "text", "text": PROSE * 80, "cache_control": {"type": "ephemeral"}}],
        "tools": tools,
        "messages": messages,
        "metadata": {"user_id": "{}"},
    }
    number = 0
    while len(json.dumps(body)) < size:
        for _ in range(10):
            number += 1
            call = f"toolu_{number:06d}"
            messages.append(
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": PROSE},
                        {
                            "type": "tool_use",
                            "id": call,
                            "name": f"Tool{number % 30}",
                            "input": {"field_0": PROSE, "field_1": "x" * 200},
                        },
                    ],
                }
            )
            result = {"type": "tool_result", "tool_use_id": call, "content": PROSE * 15}
            messages.append({"role": "user", "content": [result]})
    return json.dumps(body).encode()


def convert(body: bytes) -> int:
    """All that happens to a body before it is sent; returns the bytes that would be."""
    options = BuildOptions(conversation_id="00000000-0000-4000-8000-000000000000")
    request = build_request(parse(body), "claude-sonnet-4.5", options)
    request, out = fit(request, limit=600_000, auto_trim=False, profile_arn=None)
    assert not lint(request.body)
    return len(out)


def conversion_milliseconds() -> float:
    """Median milliseconds for one body; tool schemas are known from the request before it."""
    body = claude_code_body()
    convert(body)
    taken = []
    for _ in range(30):
        started = time.perf_counter()
        convert(body)
        taken.append(time.perf_counter() - started)
    return median(taken) * 1000


if __name__ == "__main__":
    print(f"{len(claude_code_body())} bytes: {conversion_milliseconds():.2f} ms")  # noqa: T201
