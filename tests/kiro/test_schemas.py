import json

import pytest
from hypothesis import given, settings

from gateway.conversation import Note
from gateway.kiro.schemas import EMPTY_SCHEMA, MAX_DEPTH, sanitise
from tests.strategies import ANY_SPEED, SCHEMAS

EMPTY = json.loads(EMPTY_SCHEMA)
CUT = Note("cut", "tool_schema")


def sent(schema: object) -> object:
    return json.loads(sanitise(json.dumps(schema).encode()).text)


def props(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties}


UNREADABLE = [b"", b"{", b'{"a":"\xff"}', b"[" * 5000, b"[]", b'"x"', b"1", b"false"]


@pytest.mark.parametrize("schema", UNREADABLE, ids=[str(s[:9]) for s in UNREADABLE])
def test_what_is_no_schema_becomes_the_empty_one_with_a_note(schema: bytes) -> None:
    sanitised = sanitise(schema)
    assert sanitised.text == EMPTY_SCHEMA
    assert sanitised.notes == (Note("replaced", "tool_schema"),)


@pytest.mark.parametrize("schema", [None, True, {}, {"type": "object"}, {"properties": None}])
def test_a_schema_that_allows_anything_becomes_the_empty_one(schema: object) -> None:
    assert sent(schema) == EMPTY


CASES = {
    "a plain schema stays": (
        {**props(a={"type": "string", "minLength": 1, "format": "uri"}), "required": ["a"]},
        {**props(a={"type": "string", "minLength": 1, "format": "uri"}), "required": ["a"]},
    ),
    "a missing root type is added": ({"properties": {"a": {}}}, props(a={})),
    "a nullable root is an object": ({**props(), "type": ["object", "null"]}, props()),
    "a root that is no object is wrapped": (
        {"type": "array", "items": {"type": "string"}},
        {**props(value={"type": "array", "items": {"type": "string"}}), "required": ["value"]},
    ),
    "an untyped choice at the root stays": (
        {"anyOf": [props(a={}), props(b={})]},
        {**props(), "anyOf": [props(a={}), props(b={})]},
    ),
    "boolean and null property schemas allow anything": (
        props(a=True, b=False, c=None, d=[]),
        props(a={}, b={}, c={}, d={}),
    ),
    "properties of a wrong kind go": (props(a={"properties": []}), props(a={})),
    "required lists only properties that exist": (
        {**props(a={}), "required": ["a", "b", 1, "a"]},
        {**props(a={}), "required": ["a"]},
    ),
    "an empty required goes at every level": (
        {**props(a={**props(), "required": []}), "required": []},
        props(a=props()),
    ),
    "a required that is no list goes": (
        props(a={"type": "string", "required": True}),
        props(a={"type": "string"}),
    ),
    "refused keywords go at every level": (
        {
            "$schema": "s",
            "$id": "i",
            "strict": True,
            "additionalProperties": False,
            **props(a={"anyOf": [{"items": {"additionalProperties": {}, "strict": False}}]}),
        },
        props(a={"anyOf": [{"items": {}}]}),
    ),
    "properties that are called like keywords stay": (
        {
            **props(
                additionalProperties={"type": "string"},
                required={"type": "array", "items": {"additionalProperties": False}},
                strict={},
                properties=props(properties={}),
                **{"$ref": {}, "$schema": {}, "definitions": {"$id": "x", "type": "null"}},
            ),
            "required": ["required", "$ref"],
        },
        {
            **props(
                additionalProperties={"type": "string"},
                required={"type": "array", "items": {}},
                strict={},
                properties=props(properties={}),
                **{"$ref": {}, "$schema": {}, "definitions": {"type": "null"}},
            ),
            "required": ["required", "$ref"],
        },
    ),
    "data is not searched for keywords": (
        props(a={"default": {"strict": 1}, "enum": [{"$ref": "#"}], "const": None}),
        props(a={"default": {"strict": 1}, "enum": [{"$ref": "#"}], "const": None}),
    ),
    "null keywords go, null values stay": (
        props(a={"description": None, "default": None}),
        props(a={"default": None}),
    ),
    "a local reference is put in place and the tables go": (
        {**props(a={"$ref": "#/$defs/n"}, b={"$ref": "#/definitions/m~1x"}),
         "$defs": {"n": {"type": "integer"}}, "definitions": {"m/x": {"type": "null"}}},
        props(a={"type": "integer"}, b={"type": "null"}),
    ),
    "a reference leads on to another": (
        {**props(a={"$ref": "#/$defs/n"}),
         "$defs": {"n": {"$ref": "#/$defs/m", "title": "N"}, "m": {"type": "integer"}}},
        props(a={"type": "integer", "title": "N"}),
    ),
    "what stands beside a reference is kept": (
        {**props(a={"$ref": "#/$defs/n", "description": "mine", "properties": {"y": {}}}),
         "$defs": {"n": {**props(x={}), "description": "theirs"}}},
        props(a={**props(x={}, y={}), "description": "mine"}),
    ),
    "the root may be a reference": (
        {"$ref": "#/$defs/n", "$defs": {"n": {**props(x={}), "required": ["x"]}}},
        {**props(x={}), "required": ["x"]},
    ),
    "a reference into the schema itself is followed": (
        props(a={"type": "string"}, b={"$ref": "#/properties/a"}),
        props(a={"type": "string"}, b={"type": "string"}),
    ),
    "a cycle ends in anything": (
        {**props(tree={"$ref": "#/$defs/n"}),
         "$defs": {"n": props(left={"$ref": "#/$defs/n"}, name={"type": "string"})}},
        props(tree=props(left={}, name={"type": "string"})),
    ),
    "two references that only mean each other end in anything": (
        {**props(a={"$ref": "#/$defs/x"}),
         "$defs": {"x": {"$ref": "#/$defs/y"}, "y": {"$ref": "#/$defs/x"}}},
        props(a={}),
    ),
    "the root in itself ends in anything": (props(a={"$ref": "#"}), props(a=props(a={}))),
    "a remote reference allows anything": (
        props(a={"$ref": "https://example.org/s.json", "title": "T"}),
        props(a={"title": "T"}),
    ),
    "an unknown reference allows anything": (props(a={"$ref": "#/$defs/gone"}), props(a={})),
    "an anchor is not the root": (props(a={"$ref": "#gone"}), props(a={})),
    "what is no schema where one has to stand goes": (
        props(a={"not": [{"$ref": "#"}], "items": "x", "if": 1, "dependencies": [{"strict": 1}]}),
        props(a={}),
    ),
    "a schema may be a truth value": (
        props(a={"not": False, "items": True}),
        props(a={"not": False, "items": True}),
    ),
    "dependencies may be lists or schemas": (
        {**props(), "dependencies": {"a": ["b"], "b": {"strict": True}}},
        {**props(), "dependencies": {"a": ["b"], "b": {}}},
    ),
    "an empty choice goes": ({**props(), "anyOf": [], "oneOf": None}, props()),
    "big numbers stay": (props(a={"maximum": 1e300}), props(a={"maximum": 1e300})),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "expected"), CASES.values(), ids=CASES)
def test_a_schema_is_made_fit(schema: object, expected: object) -> None:
    assert sent(schema) == expected


@pytest.mark.parametrize(
    ("schema", "notes"),
    [
        ({**props(), "$schema": "s", "$id": "i"}, ()),
        ({**props(a={"strict": True}), "additionalProperties": False},
         (Note("dropped", "strict"), Note("dropped", "additionalProperties"))),
        ({"type": "string"}, (Note("wrapped", "tool_schema"),)),
        (props(a={"$ref": "#"}), (CUT,)),
        (props(a={"$ref": "https://example.org"}), (CUT,)),
    ],
    ids=["annotations", "constraints", "wrapped", "cycle", "remote"],
)  # fmt: skip
def test_what_a_schema_loses_is_noted(schema: object, notes: tuple[Note, ...]) -> None:
    assert set(sanitise(json.dumps(schema).encode()).notes) == set(notes)


def test_references_that_double_do_not_grow_without_end() -> None:
    defs: dict[str, object] = {
        f"n{i}": props(a={"$ref": f"#/$defs/n{i + 1}"}, b={"$ref": f"#/$defs/n{i + 1}"})
        for i in range(40)
    }
    sanitised = sanitise(json.dumps({**props(x={"$ref": "#/$defs/n0"}), "$defs": defs}).encode())
    assert len(sanitised.text) < 300_000
    assert CUT in sanitised.notes


def test_a_large_definition_is_not_copied_without_end() -> None:
    large = {"enum": [f"value {number}" for number in range(5_000)]}
    references = {f"p{number}": {"$ref": "#/$defs/large"} for number in range(500)}
    sanitised = sanitise(json.dumps({**props(**references), "$defs": {"large": large}}).encode())
    assert len(sanitised.text) < 300_000
    assert sanitised.text.count(b'"enum"') > 1
    assert CUT in sanitised.notes


def test_a_very_deep_schema_ends_at_the_limit() -> None:
    schema: dict[str, object] = {}
    for _ in range(MAX_DEPTH * 3):
        schema = {"items": schema}
    sanitised = sanitise(json.dumps(props(a=schema)).encode())
    assert sanitised.text.count(b'"items"') == MAX_DEPTH
    assert sanitised.notes == (CUT,)


def test_a_schema_too_large_to_be_remembered_is_treated_alike() -> None:
    large = {**props(a={"description": "x" * 50_000, "strict": True}), "required": []}
    assert sent(large) == props(a={"description": "x" * 50_000})


@settings(ANY_SPEED, max_examples=200)
@given(SCHEMAS)
def test_any_schema_comes_out_fit_and_stays_so(schema: bytes) -> None:
    once = sanitise(schema)
    assert sanitise(once.text).text == once.text
