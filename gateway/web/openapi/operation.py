"""One operation, as the OpenAPI document describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

Method = Literal["GET", "POST", "PUT", "DELETE", "HEAD"]

Access = Literal["public", "api_key", "admin", "metrics"]
"""What a caller has to show: nothing, an API key, the admin key or session; or be in a network that
may read the metrics."""

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
CSV = "text/csv"
TEXT = "text/plain"
HTML = "text/html"

Schema = type[msgspec.Struct] | type[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: media type → what is in it; None for text that no schema describes."""

    description: str
    content: Mapping[str, Schema | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path. `{names}` in the path are parameters; `/…` at its end none.

    `query` and `body` are what the operation reads, `replies` all it answers by status.
    """

    method: Method
    path: str
    name: str
    summary: str
    tag: str
    access: Access
    replies: Mapping[int, Reply]
    query: type[msgspec.Struct] | None = None
    body: Schema | None = None
    body_required: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(schema: Schema, description: str = "Done.") -> Reply:
    """A reply of one JSON document."""
    return Reply(description, {JSON: schema})
