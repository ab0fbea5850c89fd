import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.events import ContentEvent, TextDelta, ToolUseDelta, ToolUseEnd, ToolUseStart
from tests.kiro.kiro_frames import METERING, call, event, feed, new_decoder, read, text, tool

WHOLE = '{"item": "rye"}'


def calls(*sent: bytes) -> list[ContentEvent]:
    """The events of tool calls, buffered, in a stream that ends as it should."""
    events = read(new_decoder(), *sent, METERING)
    return [each for each in events if not isinstance(each, TextDelta)]


def test_a_call_is_handed_on_when_it_is_complete() -> None:
    decoder = new_decoder()
    assert feed(decoder, tool("t", "count"), tool("t", "count", '{"item": "r')) == []
    assert (decoder.started, decoder.visible, decoder.delivered_tools) == (True, False, 0)
    assert feed(decoder, tool("t", "count", 'ye"}')) == []
    assert feed(decoder, tool("t", "count", stop=True)) == call("t", "count", WHOLE)
    assert (decoder.visible, decoder.delivered_tools) == (True, 1)


@pytest.mark.parametrize(
    "sent",
    [
        [tool("t", "count", WHOLE, stop=True)],
        [tool("t", "count"), tool("t", "count", WHOLE), tool("t", "count", stop=True)],
        [tool("t", "count", WHOLE)],
        [tool("t", "count"), *(tool("t", "count", piece) for piece in WHOLE)],
        [tool("t", "count", piece) for piece in WHOLE] + [tool("t", "count", "", stop=True)],
        [tool("t", None, WHOLE), tool("t", "count", stop=True)],
        [
            event(
                "toolUseEvent",
                {"toolUseEvent": {"toolUseId": "t", "name": "count", "input": WHOLE}},
            )
        ],
        [event("toolUse", toolUseId="t", name="count", input=WHOLE)],
        [event("assistantResponseEvent", toolUseId="t", name="count", input=WHOLE, stop=True)],
        [event("assistantResponseEvent", toolUseId="t", name="count", content="", input=WHOLE)],
        [tool("t", "count", WHOLE, stop=True), tool("t", "count", WHOLE, stop=True)],
        [tool("t", "count", WHOLE, stop=True), tool("t", "count", stop=True)],
        [tool("t", "count", stop=True), tool("t", "count", WHOLE, stop=True)],
        [tool("t", "count", "{}", stop=True), tool("t", "count", WHOLE, stop=True)],
        [tool("t", "count", "{}"), tool("t", "count", WHOLE, stop=True)],
        [tool("t", "count", WHOLE), tool("t", "count", WHOLE, stop=True)],
        [tool("t", "count", WHOLE), tool("t", "count", "{}", stop=True)],
        [tool("t", "count", WHOLE), tool("t", "count", '{"item"', stop=True)],
        [tool("t", "count", '{"item": "r', stop=True), tool("t", "count", WHOLE, stop=True)],
        [tool("t", "count", '{"item": "r', stop=True), tool("t", "count", WHOLE)],
        [tool("t", "count", '{"x": 1}', stop=False), tool("t", "count", WHOLE, stop=True)],
    ],
    ids=[
        "stop on the first event",
        "usual run",
        "no stop",
        "every character by itself",
        "every character by itself, with stop",
        "name comes later",
        "wrapped",
        "complete call event",
        "inside a text event",
        "inside a text event without stop",
        "twice",
        "twice, then empty",
        "twice, first without input",
        "twice, first with an empty object",
        "twice, first with an empty object and no stop",
        "twice without stop",
        "twice without stop, then empty",
        "twice, then cut",
        "twice, first cut",
        "twice, first cut, second without stop",
        "twice, first shorter",
    ],
)
def test_one_call_is_handed_on_once_however_it_is_told(sent: list[bytes]) -> None:
    assert calls(*sent) == call("t", "count", WHOLE)


@pytest.mark.parametrize(
    "sent",
    [
        [tool("t", "now", stop=True)],
        [tool("t", "now"), tool("t", "now", "", stop=True)],
        [tool("t", "now", "{}", stop=True)],
        [tool("t", "now", {}), tool("t", "now", stop=True)],
        [tool("t", "now", " "), tool("t", "now", stop=True)],
        [tool("t", "now", stop=True), tool("t", "now", stop=True)],
        [tool("t", "now", stop=True), tool("t", "now")],
        [event("toolUse", toolUseId="t", name="now", input={})],
        [event("toolUseEvent", toolUseId="t", name="now", input=None, stop=True)],
    ],
)
def test_a_stopped_call_without_input_has_an_empty_object(sent: list[bytes]) -> None:
    assert calls(*sent) == call("t", "now", "{}")


@pytest.mark.parametrize("live", [False, True], ids=["buffered", "live"])
def test_a_complete_call_without_stop_comes_before_what_follows(live: bool) -> None:
    decoder = new_decoder(live=live)
    sent = [text("So"), text("."), tool("t", "count", WHOLE), text("Then"), text("."), METERING]
    events = [TextDelta("So"), TextDelta("."), *call("t", "count", WHOLE)]
    assert read(decoder, *sent) == [*events, TextDelta("Then"), TextDelta(".")]


def test_text_between_the_pieces_of_a_call_does_not_wait_for_it() -> None:
    sent = [tool("t", "count", '{"a"'), text("a"), text("b"), tool("t", "count", ":1}"), text("c")]
    events = read(new_decoder(), *sent, METERING)
    assert events == [
        TextDelta("a"),
        TextDelta("b"),
        *call("t", "count", '{"a":1}'),
        TextDelta("c"),
    ]


def test_a_call_without_input_comes_before_the_text_behind_it() -> None:
    decoder = new_decoder()
    events = feed(decoder, tool("t", "now", stop=True), text("Then"), tool("u", "now", stop=True))
    assert events == [*call("t", "now", "{}"), TextDelta("Then")]
    assert feed(decoder, event("meteringEvent")) == call("u", "now", "{}")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"b": 1.50, "a":[1e2]}', '{"b": 1.50, "a":[1e2]}'),
        (b'{"text":"\\u6771 \\n"}', '{"text":"\\u6771 \\n"}'),
        (b'{"text":"\xe6\x9d\xb1"}', '{"text":"東"}'),
    ],
)
def test_an_input_that_is_an_object_is_passed_on_as_it_is_written(
    raw: bytes, expected: str
) -> None:
    frame = event("toolUseEvent", b'{"toolUseId":"t","name":"n","input":' + raw + b',"stop":true}')
    assert calls(frame) == call("t", "n", expected)


def test_an_object_restates_the_fragments_before_it() -> None:
    sent = (tool("t", "n", '{"a":'), tool("t", "n", {"a": 1}), tool("t", "n", stop=True))
    assert calls(*sent) == call("t", "n", '{"a": 1}')


@pytest.mark.parametrize(
    "cut",
    [
        '{"item": "rye"',
        '{"item": "r',
        '{"item": "r\\',
        '{"item": "\\u67',
        '{"item"',
        "{",
        '{"a": {"b": 1}',
        '{"a": 1}}',
        "[1, 2]",
        '"text"',
        "null",
        "5",
        '{"a": NaN}',
        "{'a': 1}",
        '{"a": "\n"}',
    ],
)
@pytest.mark.parametrize("stop", [True, False], ids=["stopped", "left open"])
def test_input_that_is_cut_or_no_object_is_never_handed_on(cut: str, stop: bool) -> None:
    decoder = new_decoder()
    events = read(decoder, text("So."), tool("t", "n", cut), tool("t", "n", stop=stop), METERING)
    assert events == [TextDelta("So.")]
    assert (decoder.truncated, decoder.delivered_tools) == (True, 0)


def test_input_of_another_type_than_text_and_object_is_never_handed_on() -> None:
    for value in ([1], 5, True):
        assert calls(tool("t", "n", value, stop=True)) == []


def test_a_call_left_open_before_its_input_is_never_handed_on() -> None:
    decoder = new_decoder()
    assert read(decoder, text("So."), tool("t", "n"), METERING) == [TextDelta("So.")]
    assert decoder.truncated


def test_a_repeated_stop_does_not_make_an_empty_call_of_a_cut_one() -> None:
    stop = tool("t", "n", stop=True)
    assert calls(tool("t", "n", '{"a', stop=True), stop, stop, tool("u", "m", "{")) == []


def test_a_complete_call_without_stop_needs_a_stream_that_ended_as_it_should() -> None:
    decoder = new_decoder()
    assert read(decoder, text("So."), tool("t", "n", WHOLE)) == [TextDelta("So.")]
    assert decoder.truncated


def test_a_stopped_call_is_handed_on_even_where_the_stream_was_cut() -> None:
    decoder = new_decoder()
    assert read(decoder, tool("t", "n", stop=True)) == call("t", "n", "{}")
    assert (decoder.truncated, decoder.delivered_tools) == (True, 1)


def test_a_call_without_a_name_is_lost() -> None:
    decoder = new_decoder()
    [explanation] = read(decoder, tool("t", None, WHOLE, stop=True), METERING)
    assert isinstance(explanation, TextDelta)
    assert decoder.truncated


def test_calls_one_after_another_keep_their_order() -> None:
    sent = (
        tool("a", "first", stop=True),
        tool("b", "second", '{"x":1}'),
        tool("c", "third", '{"y":'),
        tool("c", "third", "2}", stop=True),
    )
    assert calls(*sent) == [
        *call("a", "first", "{}"),
        *call("b", "second", '{"x":1}'),
        *call("c", "third", '{"y":2}'),
    ]


def test_calls_that_take_turns_keep_their_inputs_apart() -> None:
    sent = (
        tool("a", "n", '{"x":'),
        tool("b", "n", '{"y":'),
        tool("a", "n", "1}"),
        tool("b", "n", "2}", stop=True),
        tool("a", "n", stop=True),
    )
    assert calls(*sent) == [*call("b", "n", '{"y":2}'), *call("a", "n", '{"x":1}')]


def test_two_equal_calls_with_ids_of_their_own_are_two_calls() -> None:
    sent = (tool("a", "n", WHOLE, stop=True), tool("b", "n", WHOLE, stop=True))
    assert calls(*sent) == [*call("a", "n", WHOLE), *call("b", "n", WHOLE)]


def test_a_call_without_id_gets_one() -> None:
    sent = (tool(None, "n", '{"a":'), tool(None, "n", "1}"), tool(None, "n", stop=True))
    assert calls(*sent) == call("new-1", "n", '{"a":1}')


def test_fragments_without_id_and_name_belong_to_the_call_in_progress() -> None:
    sent = (
        tool("t", "n"),
        tool(None, None, '{"a":'),
        tool(None, "n", "1}"),
        tool(None, None, stop=True),
    )
    assert calls(*sent) == call("t", "n", '{"a":1}')


def test_another_name_or_a_stop_without_id_begins_another_call() -> None:
    sent = (
        tool(None, "n", WHOLE),
        tool(None, "m", WHOLE, stop=True),
        tool(None, "m", WHOLE, stop=True),
    )
    assert calls(*sent) == [
        *call("new-1", "n", WHOLE),
        *call("new-2", "m", WHOLE),
        *call("new-3", "m", WHOLE),
    ]


def test_a_stray_stop_is_no_call() -> None:
    decoder = new_decoder()
    assert read(decoder, tool(None, None, stop=True), METERING) == []
    assert not decoder.truncated


def test_braces_in_strings_do_not_end_the_input() -> None:
    pieces = ('{"code": "if {}', "{ x }", '}"', "}")
    sent = [tool("t", "n", piece) for piece in pieces]
    assert calls(*sent) == call("t", "n", "".join(pieces))


def test_half_a_surrogate_pair_in_an_escape_is_legal() -> None:
    assert calls(tool("t", "n", '{"a":"\\ud83d"}', stop=True)) == call("t", "n", '{"a":"\\ud83d"}')


def test_an_alias_is_turned_back_into_the_clients_name() -> None:
    decoder = new_decoder(
        declared=["a name of the client's"], originals={"alias_1": "a name of the client's"}
    )
    events = read(decoder, tool("t", "alias_1", stop=True), METERING)
    assert events == call("t", "a name of the client's", "{}")


# Kiro's own tools


@pytest.mark.parametrize("live", [False, True], ids=["buffered", "live"])
def test_a_builtin_call_becomes_one_of_the_clients(live: bool) -> None:
    decoder = new_decoder(declared=["Bash"], live=live)
    sent = (
        tool("t", "listDirectory", '{"path":'),
        tool("t", "listDirectory", ' "a b"}', stop=True),
    )
    assert read(decoder, *sent, METERING) == call("t", "Bash", '{"command":"ls -la \'a b\'"}')
    assert decoder.delivered_tools == 1


@pytest.mark.parametrize("live", [False, True], ids=["buffered", "live"])
def test_a_builtin_call_without_counterpart_is_discarded(live: bool) -> None:
    decoder = new_decoder(declared=["Read"], live=live)
    events = read(decoder, text("So."), tool("t", "executeBash", '{"command":"ls"}'), METERING)
    assert events == [TextDelta("So.")]
    assert (decoder.delivered_tools, decoder.truncated) == (0, False)


def test_a_cut_builtin_call_is_not_remapped() -> None:
    decoder = new_decoder(declared=["Bash"])
    events = read(
        decoder, text("So."), tool("t", "executeBash", '{"command":"rm -r /tmp'), METERING
    )
    assert events == [TextDelta("So.")]
    assert decoder.truncated


@pytest.mark.parametrize(
    ("declared", "remap"),
    [(["readFile", "Read"], True), (["Read"], False), ([], False)],
    ids=["declared", "remapping off", "remapping off, nothing declared"],
)
def test_a_builtin_name_is_left_alone(declared: list[str], remap: bool) -> None:
    decoder = new_decoder(declared=declared, remap=remap)
    events = read(decoder, tool("t", "readFile", '{"path":"a"}', stop=True), METERING)
    assert events == call("t", "readFile", '{"path":"a"}')


# Live


def test_live_fragments_are_passed_on_as_they_come() -> None:
    decoder = new_decoder(live=True)
    assert feed(decoder, tool("t", "n")) == [ToolUseStart("t", "n")]
    assert (decoder.visible, decoder.delivered_tools) == (True, 0)
    assert feed(decoder, tool("t", "n", '{"a":')) == [ToolUseDelta("t", '{"a":')]
    assert feed(decoder, tool("t", "n", "1}")) == [ToolUseDelta("t", "1}")]
    assert feed(decoder, tool("t", "n", stop=True)) == [ToolUseEnd("t")]
    assert decoder.delivered_tools == 1


def test_a_live_call_starts_when_its_name_is_known() -> None:
    decoder = new_decoder(live=True)
    assert feed(decoder, tool("t", None, '{"a":')) == []
    assert feed(decoder, tool("t", "n", "1}")) == call("t", "n", '{"a":1}')[:2]


def test_a_live_call_without_input_gets_an_empty_object() -> None:
    decoder = new_decoder(live=True)
    assert feed(decoder, tool("t", "n", stop=True)) == [ToolUseStart("t", "n")]
    assert feed(decoder, METERING) == [ToolUseDelta("t", "{}"), ToolUseEnd("t")]


def test_a_live_call_that_is_cut_does_not_end() -> None:
    decoder = new_decoder(live=True)
    events = read(decoder, tool("t", "n", '{"a":'), tool("t", "n", stop=True), METERING)
    assert events == [ToolUseStart("t", "n"), ToolUseDelta("t", '{"a":')]
    assert (decoder.truncated, decoder.delivered_tools) == (True, 0)


def test_a_live_call_without_stop_ends_with_the_stream() -> None:
    decoder = new_decoder(live=True)
    assert read(decoder, tool("t", "n", WHOLE), METERING) == call("t", "n", WHOLE)
    assert not decoder.truncated


@pytest.mark.parametrize("whole", [WHOLE, "{}"])
def test_a_live_call_that_was_seen_whole_ends_even_where_the_stream_was_cut(whole: str) -> None:
    decoder = new_decoder(live=True)
    assert read(decoder, tool("t", "n", whole)) == call("t", "n", whole)
    assert (decoder.truncated, decoder.delivered_tools) == (True, 1)


def test_a_repetition_of_a_live_call_is_left_out() -> None:
    decoder = new_decoder(live=True)
    sent = (tool("t", "n", WHOLE), tool("t", "n", WHOLE), tool("t", "n", {"a": 1}, stop=True))
    assert read(decoder, *sent, METERING) == call("t", "n", WHOLE)


def test_a_second_call_waits_until_the_live_one_is_complete() -> None:
    decoder = new_decoder(live=True)
    sent = (
        tool("a", "n", '{"x":'),
        tool("b", "n", '{"y":2}', stop=True),
        tool("c", "n", '{"z":'),
        tool("a", "n", "1}", stop=True),
        tool("c", "n", "3}", stop=True),
    )
    assert without_cuts(read(decoder, *sent, METERING)) == [
        *call("a", "n", '{"x":1}'),
        *call("b", "n", '{"y":2}'),
        *call("c", "n", '{"z":3}'),
    ]
    assert decoder.delivered_tools == 3


def test_a_waiting_call_is_handed_on_when_the_live_one_is_cut() -> None:
    decoder = new_decoder(live=True)
    sent = (tool("a", "n", '{"x":'), tool("b", "n", '{"y":2}', stop=True))
    events = read(decoder, *sent, METERING)
    assert events[2:] == call("b", "n", '{"y":2}')
    assert decoder.truncated


INPUTS = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
    max_size=4,
)


# Drawing the inputs is slow on a busy machine, which says nothing about them.
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(wanted=st.lists(INPUTS, min_size=1, max_size=4), ascii_only=st.booleans(), data=st.data())
@pytest.mark.parametrize("live", [False, True], ids=["buffered", "live"])
def test_inputs_arrive_whole_however_calls_are_cut_and_mixed(
    live: bool, wanted: list[dict[str, object]], ascii_only: bool, data: st.DataObject
) -> None:
    runs: list[list[bytes]] = []
    for number, value in enumerate(wanted):
        whole = json.dumps(value, ensure_ascii=ascii_only)
        cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=4).map(sorted))
        edges = [0, *cuts, len(whole)]
        pieces = [whole[start:end] for start, end in pairwise(edges)]
        run = [tool(str(number), "n", piece) for piece in ("", *pieces)]
        runs.append([*run, tool(str(number), "n", stop=True)])
    sent: list[bytes] = []
    while runs:
        run = data.draw(st.sampled_from(runs))
        sent.append(run.pop(0))
        runs = [each for each in runs if each]
    decoder = new_decoder(live=live)
    events = without_cuts(read(decoder, *sent, METERING))
    assert len(events) == 3 * len(wanted)
    got = {}
    for start, delta, end in zip(*[iter(events)] * 3, strict=True):
        assert isinstance(delta, ToolUseDelta)
        assert (start, end) == (ToolUseStart(delta.tool_use_id, "n"), ToolUseEnd(delta.tool_use_id))
        got[delta.tool_use_id] = json.loads(delta.fragment)
    assert got == {str(number): value for number, value in enumerate(wanted)}
    assert not decoder.truncated


def without_cuts(events: list[ContentEvent]) -> list[ContentEvent]:
    """The same events with neighbouring fragments of one call joined."""
    joined: list[ContentEvent] = []
    for each in events:
        last = joined[-1] if joined else None
        if isinstance(each, ToolUseDelta) and isinstance(last, ToolUseDelta):
            joined[-1] = ToolUseDelta(last.tool_use_id, last.fragment + each.fragment)
            assert each.tool_use_id == last.tool_use_id
        else:
            joined.append(each)
    return joined
