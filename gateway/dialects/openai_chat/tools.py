"""The tools a request declares, and which of them may be called."""

from gateway.conversation import Tool, ToolChoice
from gateway.dialects.openai_chat import schema
from gateway.dialects.openai_chat.content import Notes, word
from gateway.dialects.openai_chat.schema import Fields, get_field, is_given
from gateway.errors import InvalidRequest


def read_tools(fields: Fields, notes: Notes) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """The choice, and the tools it leaves.

    Raises:
        InvalidRequest: a tool without a name, or the choice of a function that is not declared.
    """
    return _tool_choice(fields, _tools(fields, notes), notes)


def _tools(fields: Fields, notes: Notes) -> tuple[Tool, ...]:
    tools = []
    definitions = get_field(fields, "tools", schema.TOOLS)
    functions = get_field(fields, "functions", schema.FUNCTIONS)
    for index, definition in enumerate(definitions or ()):
        path = f"tools[{index}]"
        function: schema.FunctionDefinition
        if definition.function is not None:
            function, path = definition.function, f"{path}.function"
        elif definition.type in (None, "function") or is_given(definition.input_schema):
            function = definition
        else:
            notes.add("dropped", f"tool:{word(definition.type, 'unknown')}")
            continue
        tools.append(_tool(function, path, notes))
    for index, function in enumerate(functions or ()):
        tools.append(_tool(function, f"functions[{index}]", notes))
    return tuple(tools)


def _tool(function: schema.FunctionDefinition, path: str, notes: Notes) -> Tool:
    if not function.name:
        raise InvalidRequest(f"{path}.name is required.")
    if function.strict is True:
        notes.add("dropped", "tools.strict")
    description = function.description or ""
    for raw in (function.parameters, function.input_schema):
        if is_given(raw):
            return Tool(function.name, description, bytes(raw))
    return Tool(function.name, description)


def _tool_choice(
    fields: Fields, tools: tuple[Tool, ...], notes: Notes
) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """The choice, and the tools it leaves."""
    choice = get_field(fields, "tool_choice", schema.TOOL_CHOICE)
    if choice is None and (called := get_field(fields, "function_call", schema.FUNCTION_CALL)):
        choice = (
            called
            if isinstance(called, str)
            else schema.ToolChoiceObject("function", name=called.name)
        )
    if choice is None:
        return ToolChoice(), tools
    if isinstance(choice, str):
        choice = schema.ToolChoiceObject(choice)
    match choice.type:
        case "allowed_tools":
            return _allowed_tools(choice, tools, notes)
        case "function" | "tool":
            name = choice.function.name if choice.function is not None else choice.name
            return _named_tool(name, tools), tools
    return _mode(choice.type, tools, notes), tools


def _mode(mode: str, tools: tuple[Tool, ...], notes: Notes) -> ToolChoice:
    match mode:
        case "auto":
            return ToolChoice()
        case "none":
            return ToolChoice("none")
        case "required" | "any" if tools:
            return ToolChoice("required")
    notes.add("dropped", "tool_choice")
    return ToolChoice()


def _named_tool(name: str | None, tools: tuple[Tool, ...]) -> ToolChoice:
    if not name:
        raise InvalidRequest("tool_choice: the name of the function is required.")
    if all(tool.name != name for tool in tools):
        raise InvalidRequest("tool_choice: no such function among the tools declared.")
    return ToolChoice("named", name)


def _allowed_tools(
    choice: schema.ToolChoiceObject, tools: tuple[Tool, ...], notes: Notes
) -> tuple[ToolChoice, tuple[Tool, ...]]:
    allowed = choice.allowed_tools or schema.AllowedTools(choice.mode, choice.tools)
    names = {
        tool.function.name if tool.function is not None else tool.name
        for tool in allowed.tools or ()
    }
    left = tuple(tool for tool in tools if tool.name in names)
    return _mode(allowed.mode or "auto", left, notes), left
