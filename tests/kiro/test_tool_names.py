import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.conversation import Note, Tool
from gateway.kiro import tools
from gateway.kiro.tools import declare, distinct, is_reserved_name, is_valid_name, name_tools
from tests.strategies import ANY_SPEED, TOOL_NAMES

LONG = "mcp__a_rather_long_server_name__and_a_tool_with_a_name_that_goes_on_and_on"


@pytest.mark.parametrize("name", ["Read", "WebSearch", "mcp__x-y__z", "a", "a" * 64])
def test_a_name_that_the_service_takes_stays(name: str) -> None:
    names = name_tools([name])
    assert names.to_kiro(name) == names.to_client(name) == name


@pytest.mark.parametrize(
    "name", [LONG, "a" * 65, "files.read", "1st", "_x", "読む", "", "web_search", "Web_Search"]
)
def test_a_name_that_the_service_refuses_gets_an_alias_and_comes_back(name: str) -> None:
    names = name_tools([name])
    alias = names.to_kiro(name)
    assert is_valid_name(alias)
    assert not is_reserved_name(alias)
    assert names.to_client(alias) == name


def test_an_alias_can_be_read_and_stays_the_same_beside_other_tools() -> None:
    alone = name_tools([LONG]).to_kiro(LONG)
    assert alone.startswith("kgw_mcp_a_rather_long_server_n")
    assert name_tools(["Read", "other.tool", LONG]).to_kiro(LONG) == alone


def test_an_alias_never_meets_a_name_in_use() -> None:
    alias = name_tools(["files.read"]).to_kiro("files.read")
    names = name_tools(["files.read", alias.upper(), f"{alias[:62]}_1"])
    assert names.to_kiro("files.read").lower() not in {alias, f"{alias[:62]}_1"}
    assert names.to_client(names.to_kiro("files.read")) == "files.read"


def test_spellings_that_differ_in_case_share_an_alias_that_restores_the_declared_one() -> None:
    names = name_tools(["Files.Read"], used=["files.read", "FILES.READ"])
    assert names.to_kiro("files.read") == names.to_kiro("Files.Read")
    assert names.to_client(names.to_kiro("FILES.READ")) == "Files.Read"


def test_a_declared_name_comes_back_even_when_an_odd_one_lowers_to_the_same() -> None:
    names = name_tools(["kelvin"], used=["\u212aelvin"])  # the Kelvin sign
    assert names.to_client(names.to_kiro("kelvin")) == "kelvin"


def test_names_that_no_client_declared_are_not_among_the_declared() -> None:
    assert name_tools(["Read"], used=["Gone"]).declared == {"Read"}


@settings(ANY_SPEED, max_examples=150)
@given(st.lists(TOOL_NAMES, max_size=8), st.lists(TOOL_NAMES, max_size=4))
def test_any_names_map_to_distinct_valid_ones_and_back(
    declared: list[str], used: list[str]
) -> None:
    own = [tool.name for tool in distinct(Tool(name) for name in declared)]
    names = name_tools(own, used)
    sent = [names.to_kiro(name) for name in own]
    assert all(is_valid_name(name) and not is_reserved_name(name) for name in sent)
    assert len({name.lower() for name in sent}) == len(own)
    assert [names.to_client(name) for name in sent] == own


def test_of_tools_whose_names_differ_in_case_only_the_first_stays() -> None:
    first, second, other = Tool("Read", "one"), Tool("read", "two"), Tool("Write")
    assert distinct([first, second, other]) == (first, other)


@pytest.mark.parametrize("description", ["", " \n"])
def test_a_tool_without_description_gets_one(description: str) -> None:
    (entry,) = declare([Tool("Read", description)], (), name_tools(["Read"])).entries
    assert entry.tool_specification.description == "Tool: Read"


def test_a_description_of_the_longest_kind_stays() -> None:
    text = "长" * tools.MAX_DESCRIPTION
    declarations = declare([Tool("Read", text)], (), name_tools(["Read"]))
    assert declarations.entries[0].tool_specification.description == text
    assert declarations.documentation == ""
    assert declarations.notes == ()


def test_a_longer_description_moves_whole_to_the_system_text() -> None:
    text = "w" * (tools.MAX_DESCRIPTION + 1)
    declarations = declare([Tool("x.y", text), Tool("Read", "r")], (), names := name_tools(["x.y"]))
    heading = f"## Tool: {names.to_kiro('x.y')}"
    assert declarations.documentation == f"{heading}\n{text}"
    assert heading in declarations.entries[0].tool_specification.description
    assert Note("moved", "tool_description") in declarations.notes


def test_descriptions_beyond_the_budget_are_cut_between_characters() -> None:
    text = "语" * 60_000
    declarations = declare([Tool("A", text), Tool("B", text)], (), name_tools(["A", "B"]))
    assert declarations.entries[1].tool_specification.description == "语" * tools.MAX_DESCRIPTION
    assert len(declarations.documentation) < 61_000
    assert declarations.notes == (
        Note("moved", "tool_description"),
        Note("cut", "tool_description"),
    )


def test_a_tool_that_only_the_history_knows_is_declared_once() -> None:
    declarations = declare([Tool("Read", "r")], ["gone", "GONE", "read"], name_tools(["Read"]))
    assert [e.tool_specification.name.lower() for e in declarations.entries] == ["read", "gone"]
    assert declarations.notes == (Note("added", "tool"),)


def test_very_many_tools_are_noted_and_all_sent() -> None:
    many = [Tool(f"t{number}", "d") for number in range(tools.MANY_TOOLS + 1)]
    declarations = declare(many, (), name_tools([tool.name for tool in many]))
    assert len(declarations.entries) == len(many)
    assert declarations.notes == (Note("many", "tools"),)
