"""What is known of one client request when it ends: the log line, the usage row, the headers."""

from dataclasses import dataclass, field

from gateway.conversation import Note
from gateway.errors import GatewayError
from gateway.events import Usage
from gateway.store.usage import Origin


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """One call for a request. Times are seconds since the request arrived.

    `outcome` is `answered` or the name of an error; `waited` the pause before the call. `sent` is
    False for an account that was passed over without asking the service.
    """

    account: str
    outcome: str
    started: float
    seconds: float
    waited: float = 0.0
    status: int | None = None
    upstream_request_id: str | None = None
    message: str | None = None
    sent: bool = True


@dataclass(slots=True)
class CapturedBodies:
    """What was said, kept while an operator wants to see it. `response` grows as it is sent."""

    request: bytes = b""
    kiro: bytes = b""
    response: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Facts:
    """Filled in as the request goes on; whatever became of it, this is what is told.

    `first_token` is in seconds, from the complete request to the first event of its answer.
    `error_class` is the name of the error that ended the request, or `ClientDisconnected`.
    `failed_over` are the names of the accounts that did not serve, before the one that did.
    `origin` is None for what a client asked.
    """

    request_id: str
    method: str = ""
    path: str = ""
    route: str = ""
    peer: str = ""
    origin: Origin | None = None
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
    error_source: str | None = None
    error_message: str | None = None
    limit: str | None = None
    queued: float = 0.0
    client: str | None = None
    conversation_id: str | None = None
    upstream_request_id: str | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None
    notes: list[Note] = field(default_factory=list)
    calls: list[UpstreamCall] = field(default_factory=list)
    failed_over: list[str] = field(default_factory=list)
    limit_headers: dict[str, str] = field(default_factory=dict)
    bodies: CapturedBodies | None = None

    def note_error(self, error: GatewayError) -> None:
        """The error that ended the request, in words that are safe to show."""
        self.error_class = type(error).__name__
        self.error_source = error.source
        self.error_message = str(error)

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
