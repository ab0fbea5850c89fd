"""What is known of one client request when it ends: the log line, the usage row, the headers."""

from dataclasses import dataclass, field

from gateway.conversation import Note
from gateway.events import Usage


@dataclass(slots=True)
class Facts:
    """Filled in as the request goes on; whatever became of it, this is what is told.

    `first_token` is in seconds, from the complete request to the first event of its answer.
    `error_class` is the name of the error that ended the request, or `ClientDisconnected`.
    """

    request_id: str
    method: str = ""
    path: str = ""
    route: str = ""
    peer: str = ""
    api_key_id: str | None = None
    api_key_name: str | None = None
    account_id: str | None = None
    account_name: str | None = None
    model_asked: str | None = None
    model_served: str | None = None
    stream: bool = False
    status: int = 0
    first_token: float | None = None
    usage: Usage | None = None
    stop_reason: str | None = None
    upstream_calls: int = 0
    error_class: str | None = None
    upstream_request_id: str | None = None
    notes: list[Note] = field(default_factory=list)

    def add_note(self, note: Note) -> None:
        """Once is enough for each."""
        if note not in self.notes:
            self.notes.append(note)

    @property
    def retries(self) -> int:
        """Upstream calls beyond the first."""
        return max(0, self.upstream_calls - 1)

    def notes_header(self) -> str:
        """The value of `x-kiro-gateway-notes`: printable ASCII, of bounded length."""
        text = ",".join(str(note) for note in self.notes)
        clean = "".join(char if " " <= char <= "~" else "?" for char in text)
        return clean if len(clean) <= 1024 else clean[:1021] + "..."
