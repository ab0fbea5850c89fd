"""The system text: the client's own, and around it the few lines that ask for what a body can't."""

from gateway.conversation import Conversation, ResponseFormat, ToolChoice
from gateway.kiro import texts
from gateway.kiro.tools import ToolNames


def system_text(
    conversation: Conversation, names: ToolNames, *, tags: str, documentation: str
) -> str:
    """What the leading pair says, "" when there is nothing to say.

    Args:
        conversation: the request.
        names: of the tools that are declared.
        tags: the thinking tags, which the service reads in front only.
        documentation: descriptions that were too long for their tools.
    """
    before = f"{tags}\n{conversation.system}" if tags and conversation.system else tags
    sections = (
        before or conversation.system,
        documentation,
        _tool_choice(conversation.tool_choice, names),
        _response_format(conversation.response_format),
    )
    return "\n\n".join(section for section in sections if section)


def _tool_choice(choice: ToolChoice, names: ToolNames) -> str:
    if not names.declared:
        return ""
    match choice.mode:
        case "required":
            return texts.CALL_ANY
        case "named":
            return texts.CALL_ONE.format(name=names.to_kiro(choice.name))
        case _:
            return ""


def _response_format(response_format: ResponseFormat | None) -> str:
    if response_format is None:
        return ""
    if response_format.schema is None:
        return texts.ANSWER_JSON
    return texts.ANSWER_SCHEMA.format(schema=response_format.schema.decode(errors="replace"))
