import pytest

from gateway.errors import InvalidRequest
from gateway.kiro.model_names import ResolvedModel, client_id, resolve

CATALOGUE = (
    "auto",
    "claude-sonnet-4.5",
    "claude-opus-4.6",
    "claude-haiku-4.5",
    "deepseek-3.2",
    "gpt-5.6-sol",
    "GLM-5",
)

NORMALISED = {
    "claude-sonnet-4-5": "claude-sonnet-4.5",
    "Claude-Sonnet-4-5": "claude-sonnet-4.5",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4.5",
    "claude-sonnet-4.5-20250929": "claude-sonnet-4.5",
    "claude-haiku-4-5-latest": "claude-haiku-4.5",
    "claude-sonnet-4-20250514": "claude-sonnet-4",
    "claude-opus-4-20250514": "claude-opus-4",
    "claude-3-7-sonnet": "claude-3.7-sonnet",
    "claude-3-7-sonnet-20250219": "claude-3.7-sonnet",
    "claude-3.7-sonnet-20250219": "claude-3.7-sonnet",
    "claude-3-5-haiku-20241022": "claude-3.5-haiku",
    "claude-opus-4-1-20250805": "claude-opus-4.1",
    "claude-4.5-opus-high": "claude-opus-4.5",
    "claude-opus-4-7": "claude-opus-4.7",
    "claude-opus-4.7": "claude-opus-4.7",
    "claude-opus-4-7-1m": "claude-opus-4.7",
    "claude-opus-4.7-1m": "claude-opus-4.7",
    "claude-opus-4-6": "claude-opus-4.6",
    "claude-opus-4.6": "claude-opus-4.6",
    "claude-opus-4-6-1m": "claude-opus-4.6",
    "claude-opus-4.6-1m": "claude-opus-4.6",
    "claude-opus-4-6.1m": "claude-opus-4.6",
    "CLAUDE-OPUS-4-6": "claude-opus-4.6",
    "claude-opus-4.5": "claude-opus-4.5",
    "claude-sonnet-4.6": "claude-sonnet-4.6",
    "claude-sonnet-4-6-1m": "claude-sonnet-4-6-1m",
    "claude-sonnet-4-6[1m]": "claude-sonnet-4.6",
    "claude-sonnet-4-6[200K]": "claude-sonnet-4.6",
    "anthropic.deepseek-3.2": "deepseek-3.2",
    "openai/gpt-5.6-sol": "gpt-5.6-sol",
    "anthropic/claude-sonnet-4-5": "claude-sonnet-4.5",
    "anthropic/anthropic.deepseek-3.2": "deepseek-3.2",
    "auto": "auto",
    "deepseek-3.2": "deepseek-3.2",
    "gpt-5.6-sol": "gpt-5.6-sol",
    "qwen3-coder-next": "qwen3-coder-next",
    "claude-opus-5": "claude-opus-5",
    "gpt-4o": "gpt-4o",
    "  gpt-4o  ": "gpt-4o",
    "totally-unknown-model": "totally-unknown-model",
    "Some-Vendor/Some-Model": "Some-Vendor/Some-Model",
    "[1m]": "[1m]",
}


@pytest.mark.parametrize("catalogue", [(), CATALOGUE], ids=["no catalogue", "with a catalogue"])
@pytest.mark.parametrize(("name", "expected"), NORMALISED.items(), ids=NORMALISED)
def test_a_name_is_brought_to_the_services_spelling(
    name: str, expected: str, catalogue: tuple[str, ...]
) -> None:
    assert resolve(name, catalogue) == ResolvedModel(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-opus-4-6-thinking", "claude-opus-4.6"),
        ("claude-opus-4.6-thinking", "claude-opus-4.6"),
        ("claude-opus-4-6-Thinking[1m]", "claude-opus-4.6"),
        ("claude-opus-4-6[1m]-thinking", "claude-opus-4.6"),
        ("anthropic.deepseek-3.2-thinking", "deepseek-3.2"),
    ],
)
def test_a_thinking_suffix_is_taken_off_and_remembered(name: str, expected: str) -> None:
    assert resolve(name, CATALOGUE) == ResolvedModel(expected, thinking=True)


@pytest.mark.parametrize(
    "listed",
    [
        "claude-opus-4.6-1m",
        "claude-opus-4-6-1m",
        "claude-opus-4.6-thinking",
        "claude-sonnet-4-5-20250929",
        "odd[1m]",
        "openai/own-model",
        "anthropic.own-model",
    ],
)
def test_a_listed_name_is_never_changed(listed: str) -> None:
    assert resolve(listed, [*CATALOGUE, listed]) == ResolvedModel(listed)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CLAUDE-OPUS-5", "claude-opus-5"),
        ("Claude-Sonnet-4-20250514", "claude-sonnet-4"),
        ("Qwen3-Unknown", "Qwen3-Unknown"),
    ],
)
def test_only_a_name_of_a_known_pattern_loses_its_capitals(name: str, expected: str) -> None:
    assert resolve(name, ()).id == expected


def test_a_listed_name_is_found_whatever_its_case() -> None:
    assert resolve("glm-5", CATALOGUE).id == "GLM-5"
    assert resolve("AUTO", CATALOGUE).id == "auto"


def test_the_list_prefix_goes_when_the_rest_is_known_even_if_both_are() -> None:
    assert resolve("anthropic.auto", ["auto", "anthropic.auto"]).id == "auto"


def test_a_large_window_model_is_found_by_its_dashed_name() -> None:
    assert resolve("claude-opus-4-6-1m", ["claude-opus-4.6-1m"]).id == "claude-opus-4.6-1m"


@pytest.mark.parametrize("name", ["", "   ", "\n", "anthropic.", "openai/"])
def test_an_empty_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^model is required$"):
        resolve(name, CATALOGUE)


@pytest.mark.parametrize("kiro_id", [*CATALOGUE, "Claude-X", "anthropic.y"])
def test_the_id_we_list_leads_back_to_the_services_own(kiro_id: str) -> None:
    listed = client_id(kiro_id)
    assert listed.lower().startswith(("claude", "anthropic"))
    assert resolve(listed, [*CATALOGUE, kiro_id]).id == kiro_id
