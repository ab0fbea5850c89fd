"""What the last user message asks the simulator to do.

Two languages are understood: commands in double square brackets, for tests, and a few plain
sentences, for people. docs/simulator.md lists both.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.simulator.body import AssistantMessage, Body, Tool, UserMessage
from gateway.simulator.json_schema import sample
from gateway.simulator.strict_json import Json, JsonObject

# Client programs add these to what the person typed, and they mention tools.
_ASIDES = re.compile(
    r"<(system-reminder|thinking_mode|max_thinking_length|thinking_effort)>.*?</\1>", re.DOTALL
)
_COMMAND = re.compile(r"\[\[\s*(?P<verb>[a-z]+)\b[\s:]*", re.IGNORECASE)
_SAY = re.compile(r"(\d{1,6})\s+words?")
_COUNT = re.compile(r"to\s+(\d{1,6})")
_CALL = re.compile(r"(#?[\w-]+)\s*")
_SCENARIO = re.compile(r"([a-z0-9-]+)(?:\s+x(\d+))?")
_RUN = re.compile(r"\b(?:run|execute)\s+`([^`\n]+)`", re.IGNORECASE)
_INPUT_FOLLOWS = re.compile(r"[`\"'*]*(?:\s+tool\b)?(?:\s+(?:with|on|using))?\s*[:]?\s*(?=\{)")
_MODE = re.compile(r"<thinking_mode>\s*(enabled|adaptive)\s*</thinking_mode>")
_THINKING_LENGTH = re.compile(r"<max_thinking_length>\s*(\d{1,9})\s*</max_thinking_length>")
_SHELL_NAMES = frozenset(
    {"bash", "shell", "execute_command", "run_command", "run_terminal_cmd", "run_shell_command"}
)
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class WishedCall:
    """A tool to call, by its declared name, with complete input."""

    name: str
    input: JsonObject


@dataclass(slots=True)
class Wish:
    """Everything that was asked for. `scenario` may hold how often at most it applies."""

    text: str
    calls: list[WishedCall] = field(default_factory=list)
    reply: str | None = None
    words: int | None = None
    count_to: int | None = None
    thought: str | None = None
    describe: bool = False
    scenario: tuple[str, int | None] | None = None


def read_wish(body: Body) -> Wish:
    """Read the current message, and the request that a tool loop is still working on."""
    wish = Wish(visible_text(body.current.content))
    _read_commands(wish, body.tools)
    if not wish.calls:
        wish.calls.extend(_plain_calls(wish.text, body.tools))
    if not wish.calls and body.current.tool_results:
        wish.calls.extend(_next_round(body))
    return wish


def visible_text(content: str) -> str:
    """A message without what client programs and thinking tags add to it."""
    return _ASIDES.sub("", content).strip()


def tagged_thinking(body: Body) -> int | None:
    """The budget, in tokens, of thinking asked for by tags; None when it is not.

    The tags stand in front of the system text, so only the first and the current message count.
    """
    for content in (body.messages[0].content, body.current.content):
        if _MODE.search(content):
            length = _THINKING_LENGTH.search(content)
            return int(length[1]) if length else 20_000
    return None


def _read_commands(wish: Wish, tools: Sequence[Tool]) -> None:
    for match in _COMMAND.finditer(wish.text):
        rest = wish.text[match.end() :]
        argument = rest.partition("]]")[0].strip()
        match match["verb"].lower():
            case "say" if said := _SAY.match(argument):
                wish.words = int(said[1])
            case "count" if counted := _COUNT.match(argument):
                wish.count_to = int(counted[1])
            case "reply":
                wish.reply = argument.replace("\\n", "\n") or None
            case "think":
                wish.thought = argument
            case "describe":
                wish.describe = True
            case "call" if called := _CALL.match(rest):
                wish.calls.extend(_commanded_call(called[1], rest[called.end() :], tools))
            case "scenario" if named := _SCENARIO.match(argument):
                wish.scenario = (named[1], int(named[2]) if named[2] else None)
            case _:
                pass


def _commanded_call(name: str, rest: str, tools: Sequence[Tool]) -> Iterator[WishedCall]:
    if name.startswith("#"):
        position = int(name[1:]) - 1 if name[1:].isdecimal() else -1
        tool = tools[position] if 0 <= position < len(tools) else None
    else:
        tool = next((tool for tool in tools if tool.name.lower() == name.lower()), None)
    if tool is not None:
        yield _call_of(tool, rest)


def _call_of(tool: Tool, rest: str) -> WishedCall:
    """The call with the JSON object that `rest` begins with, else with a made-up input."""
    given: Json = None
    if rest.startswith("{"):
        try:
            given = _JSON.raw_decode(rest)[0]
        except ValueError:
            given = None
    made_up = sample(tool.schema) if given is None else given
    return WishedCall(tool.name, made_up if isinstance(made_up, dict) else {})


def _plain_calls(text: str, tools: Sequence[Tool]) -> Iterator[WishedCall]:
    """`call X`, `use the X tool [with {…}] [and Y …]`, or `` run `command` ``."""
    if not tools or not text:
        return
    by_name = {tool.name.lower(): tool for tool in tools}
    opening, continuing = _call_patterns(tuple(by_name))
    at = 0
    while match := opening.search(text, at):
        while match:
            name = next(group for group in match.groups() if group)
            at = match.end()
            if follows := _INPUT_FOLLOWS.match(text, at):
                at = follows.end()
            call = _call_of(by_name[name.lower()], text[at:])
            yield call
            if text.startswith("{", at):
                at += _length_of_object(text[at:])
            match = continuing.match(text, at)
    if at == 0 and (run := _RUN.search(text)):
        yield from _shell_call(run[1], tools)


def _length_of_object(text: str) -> int:
    try:
        return int(_JSON.raw_decode(text)[1])
    except ValueError:
        return 1


@lru_cache(maxsize=64)
def _call_patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    # The longest first, or `read` would be found in `read_file`.
    name = "(" + "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True)) + ")"
    quoted = rf"[`\"'*]*{name}[`\"'*]*(?![\w-])"
    opening = re.compile(
        rf"\b(?:call|invoke)\s+(?:the\s+)?(?:tool\s+)?{quoted}"
        rf"|\b(?:use|run)\s+(?:the\s+)?{quoted}(?=\s+tool\b)"
        rf"|\b(?:use|run)\s+(?:the\s+)?tool\s+{quoted}",
        re.IGNORECASE,
    )
    continuing = re.compile(
        rf"(?:\s+tool\b)?\s*(?:,|,?\s*\b(?:and|then)\b)\s*(?:also\s+|then\s+|the\s+|call\s+)*{quoted}",
        re.IGNORECASE,
    )
    return opening, continuing


def _shell_call(command: str, tools: Sequence[Tool]) -> Iterator[WishedCall]:
    for tool in tools:
        properties = tool.schema.get("properties")
        if tool.name.lower() not in _SHELL_NAMES or not isinstance(properties, dict):
            continue
        shape = properties.get("command")
        if not isinstance(shape, dict):
            continue
        given = sample(tool.schema)
        arguments = dict(given) if isinstance(given, dict) else {}
        as_list = shape.get("type") == "array"
        arguments["command"] = ["bash", "-lc", command] if as_list else command
        if "description" in properties:
            arguments["description"] = "Run the command that the user gave"
        yield WishedCall(tool.name, arguments)
        return


def _next_round(body: Body) -> Iterator[WishedCall]:
    """`[[rounds N]]`: the calls of the last answer again, until there were N rounds of them."""
    rounds = 0
    last: AssistantMessage | None = None
    for message in reversed(body.history):
        if isinstance(message, AssistantMessage):
            rounds += bool(message.tool_uses)
            last = last or message
        elif not message.tool_results:
            wanted = _rounds_wanted(message)
            if last is not None and rounds < wanted:
                yield from (WishedCall(use.name, use.input) for use in last.tool_uses)
            return


def _rounds_wanted(message: UserMessage) -> int:
    wanted = re.search(r"\[\[\s*rounds\s+(\d{1,3})\s*\]\]", message.content)
    return int(wanted[1]) if wanted else 0
