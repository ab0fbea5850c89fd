import json
from collections.abc import Callable
from typing import Any

import pytest
from anthropic.types import ModelInfo
from openai.types import Model

from gateway.dialects.anthropic.models import ListedModel, codex_models, model_list, model_object
from gateway.errors import InvalidRequest

SONNET = ListedModel(
    id="claude-sonnet-4.5",
    kiro_model_id="claude-sonnet-4.5",
    display_name="Claude Sonnet 4.5",
    description="A model.",
    created=1_735_689_600,
    max_input_tokens=200_000,
    max_output_tokens=64_000,
)
NAMED = [ListedModel(name, name, name.upper(), created=0) for name in "abcde"]


def page(*arguments: Any, **options: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(model_list(NAMED, *arguments, **options))
    body["data"] = "".join(model["id"] for model in body["data"])
    return body


def test_a_model_is_byte_for_byte_this() -> None:
    assert model_object(SONNET) == (
        b'{"id":"claude-sonnet-4.5","object":"model","created":1735689600,"owned_by":"kiro",'
        b'"type":"model","display_name":"Claude Sonnet 4.5","created_at":"2025-01-01T00:00:00Z",'
        b'"description":"A model.","max_input_tokens":200000,"max_tokens":64000,'
        b'"kiro_model_id":"claude-sonnet-4.5","lifecycle":"active"}'
    )


@pytest.mark.parametrize("read", [ModelInfo.model_validate_json, Model.model_validate_json])
def test_the_official_clients_read_a_model(read: Callable[[bytes], ModelInfo | Model]) -> None:
    assert read(model_object(SONNET)).id == SONNET.id


def test_without_a_limit_all_models_are_listed() -> None:
    assert page() == {
        "object": "list",
        "data": "abcde",
        "has_more": False,
        "first_id": "a",
        "last_id": "e",
    }


def test_an_empty_list_has_no_first_and_no_last() -> None:
    body = json.loads(model_list([]))
    assert body["data"] == []
    assert (body["has_more"], body["first_id"], body["last_id"]) == (False, None, None)


@pytest.mark.parametrize(
    ("options", "ids", "has_more"),
    [
        ({"limit": 2}, "ab", True),
        ({"limit": 5}, "abcde", False),
        ({"limit": 1000}, "abcde", False),
        ({"after_id": "b"}, "cde", False),
        ({"after_id": "b", "limit": 2}, "cd", True),
        ({"after_id": "c", "limit": 2}, "de", False),
        ({"after_id": "e"}, "", False),
        ({"before_id": "d"}, "abc", False),
        ({"before_id": "d", "limit": 2}, "bc", True),
        ({"before_id": "c", "limit": 2}, "ab", False),
        ({"before_id": "a"}, "", False),
        ({"after_id": "a", "before_id": "e", "limit": 2}, "bc", True),
        ({"after_id": "d", "before_id": "b"}, "", False),
    ],
    ids=str,
)
def test_pages_are_honest_about_what_is_left(
    options: dict[str, Any], ids: str, has_more: bool
) -> None:
    body = page(**options)
    assert (body["data"], body["has_more"]) == (ids, has_more)
    assert body["first_id"] == (ids[0] if ids else None)
    assert body["last_id"] == (ids[-1] if ids else None)


def test_paging_forward_visits_every_model_once() -> None:
    seen, body = "", page(limit=2)
    while True:
        seen += body["data"]
        if not body["has_more"]:
            break
        body = page(limit=2, after_id=body["last_id"])
    assert seen == "abcde"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit: must be an integer from 1 to 1000"),
        ({"limit": 1001}, "limit: must be an integer from 1 to 1000"),
        ({"after_id": "x"}, "after_id: no such model"),
        ({"before_id": ""}, "before_id: no such model"),
    ],
    ids=str,
)
def test_impossible_pages_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        page(**options)


def test_codex_finds_every_member_that_one_of_its_versions_requires() -> None:
    body = json.loads(codex_models([SONNET, *NAMED]))
    assert list(body) == ["models"]
    entry = body["models"][0]
    assert entry["slug"] == SONNET.id
    assert entry["display_name"] == SONNET.display_name
    assert entry["context_window"] == 200_000
    assert [level["effort"] for level in entry["supported_reasoning_levels"]] == [
        "low",
        "medium",
        "high",
    ]
    required = (
        "slug display_name description supported_reasoning_levels shell_type visibility "
        "supported_in_api priority availability_nux upgrade base_instructions "
        "supports_reasoning_summaries support_verbosity default_verbosity apply_patch_tool_type "
        "truncation_policy supports_parallel_tool_calls experimental_supported_tools"
    )
    assert set(required.split()) <= set(entry)
    assert entry["truncation_policy"] == {"mode": "tokens", "limit": 10_000}


def test_codex_shows_models_in_our_order() -> None:
    priorities = [model["priority"] for model in json.loads(codex_models(NAMED))["models"]]
    assert priorities == [0, 1, 2, 3, 4]
