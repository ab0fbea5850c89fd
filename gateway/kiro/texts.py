"""Every text of ours that can reach the service.

What goes upstream is what the client asked for, reshaped. Where the reshaping needs words, they are
here and nowhere else, so that the documentation can list them. `{…}` is filled in with what the
client sent.
"""

from typing import Final

ACKNOWLEDGEMENT: Final = "Understood."
"""The model's half of the leading pair whose user half is the system prompt."""

THINKING_ENABLED: Final = (
    "<thinking_mode>enabled</thinking_mode><max_thinking_length>{budget}</max_thinking_length>"
)
"""In front of the system text: think, with at most this many tokens."""

THINKING_ADAPTIVE: Final = (
    "<thinking_mode>adaptive</thinking_mode><thinking_effort>{effort}</thinking_effort>"
)
"""In front of the system text: think as much as this effort asks for."""

EMPTY_USER: Final = "."
"""Content of a user message that has none, and of one that has to be put in front."""

EMPTY_ASSISTANT: Final = " "
"""Content of a message of the model's that only calls tools."""

EMPTY_RESULT: Final = "(empty result)"
"""Text of a tool result that has none."""

MISSING_RESULT: Final = "(no result: the call was cancelled)"
"""Error result of a tool call that the client never answered."""

TOOL_DESCRIPTION: Final = "Tool: {name}"
"""Description of a tool that has none, or that only the history knows."""

DOCUMENTATION_HEADING: Final = "## Tool: {name}"
"""Above a tool's description that is too long for its definition, in the system text."""

DOCUMENTATION_REFERENCE: Final = 'Described in the system prompt under "## Tool: {name}".'
"""In the definition of a tool whose description moved to the system text."""

TOOL_CALL: Final = "[Tool call: {name} ({id})]\n{input}"
"""A tool call of the history in a request that declares no tools."""

TOOL_RESULT: Final = "[Tool result ({id})]\n{text}"
"""A tool result that no call asked for, or of a request that declares no tools."""

TOOL_ERROR: Final = "[Tool error ({id})]\n{text}"
"""The same, of a call that failed."""

CALL_ANY: Final = "Answer by calling one of the declared tools."
"""In the system text when a tool must be called."""

CALL_ONE: Final = "Answer by calling the tool {name}."
"""In the system text when a certain tool must be called."""

ANSWER_JSON: Final = "Answer with a single JSON object and nothing else."
"""In the system text when the answer must be JSON."""

ANSWER_SCHEMA: Final = "Answer with JSON that matches this JSON Schema, and nothing else:\n{schema}"
"""In the system text when the answer must be JSON of a certain shape."""

CONTINUE: Final = "Continue exactly where your last message stops, without repeating any of it."
"""The user message behind an answer that the client began for the model."""

TRIMMED: Final = "\n\n[Some turns after this one were removed to fit the size limit.]"
"""At the end of the first user turn when rounds after it were trimmed."""
