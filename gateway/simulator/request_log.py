"""The last requests, for tests to look at and for people who ask why theirs was refused."""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from gateway.simulator.rule import Breach
from gateway.simulator.strict_json import JsonObject

_MOST_ENTRIES = 500
_MOST_BYTES = 32 * 1024 * 1024
_SHOWN_OF_SECRET = 8
_SECRET_MEMBERS = frozenset(
    {"accesstoken", "refreshtoken", "clientsecret", "code", "codeverifier", "devicecode"}
)
_SECRET_HEADERS = frozenset({"authorization", "cookie", "x-api-key"})


@dataclass(slots=True)
class Entry:
    """One request. `at` is in seconds since 1970; `status` is None while it is being answered.

    `breaches` name the rules that it broke; they are told nowhere else.
    """

    at: float
    operation: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    account: str | None = None
    status: int | None = None
    scenario: str | None = None
    breaches: list[Breach] = field(default_factory=list)
    query: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        """The entry, its body decoded where it is JSON."""
        return {
            "at": self.at,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "account": self.account,
            "status": self.status,
            "scenario": self.scenario,
            "rules": list(dict.fromkeys(breach.rule for breach in self.breaches)),
            "breaches": [{"rule": b.rule, "where": b.where} for b in self.breaches],
            "headers": dict(self.headers),
            "body": _readable(self.body),
        }


def shortened_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers, with no more of a secret than tells two of them apart."""
    return {
        name: f"{value[: len('Bearer ') + _SHOWN_OF_SECRET]}…" if name in _SECRET_HEADERS else value
        for name, value in headers
    }


def without_secrets(body: bytes) -> bytes:
    """A JSON object or a form, with no more of its secrets than tells two of them apart."""
    try:
        members = json.loads(body)
    except ValueError:
        members = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    if not isinstance(members, dict):
        return b""
    return json.dumps({name: _shown(name, value) for name, value in members.items()}).encode()


def _shown(name: str, value: object) -> object:
    if name.replace("_", "").lower() not in _SECRET_MEMBERS:
        return value
    return f"{value[:_SHOWN_OF_SECRET]}…" if isinstance(value, str) else None


def _readable(body: bytes) -> JsonObject | str | None:
    if not body:
        return None
    try:
        decoded = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
    return decoded if isinstance(decoded, dict) else body.decode(errors="replace")


class RequestLog:
    """Keeps the newest entries, within a number and a size."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_MOST_ENTRIES)
        self._bytes = 0

    def add(self, entry: Entry) -> Entry:
        """Keep an entry; the oldest bodies go when they get too many."""
        if len(self._entries) == _MOST_ENTRIES:
            self._bytes -= len(self._entries[0].body)
        self._entries.append(entry)
        self._bytes += len(entry.body)
        for old in self._entries:
            if self._bytes <= _MOST_BYTES or old is entry:
                break
            self._bytes -= len(old.body)
            old.body = b""
        return entry

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

    def entries(self, operation: str | None = None) -> list[Entry]:
        """The entries, oldest first."""
        return [e for e in self._entries if operation in (None, e.operation)]
