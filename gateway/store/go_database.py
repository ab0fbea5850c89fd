"""Reading the SQLite file of the Go program that came before this one. Nothing in it is changed.

Accounts are called providers there, API keys name them and are kept in clear text, tokens are JSON
in a table of keys and values.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gateway.errors import InvalidRequest
from gateway.store.accounts import AuthMethod, Credentials
from gateway.store.sqlite_file import read_only_uri

BUSY_TIMEOUT = 10.0  # seconds; the old program may still run
EPOCH_YEAR = 1970  # before it lies only Go's zero time, which means unknown

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?(?:\s.*)?"
)
_OIDC_HOST = re.compile(r"oidc\.([a-z0-9-]+)\.amazonaws\.com")
_NEEDED = {
    "providers": {"id", "name"},
    "api_keys": {"id", "key", "name"},
    "kv_store": {"key", "value"},
    "usage_records": {"id", "key_id", "input_tokens", "output_tokens", "created_at"},
}


@dataclass(frozen=True, slots=True)
class OldToken:
    """A stored token, sorted into the way of signing in that it came from."""

    auth_method: AuthMethod
    auth_region: str | None
    profile_arn: str | None
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class OldAccount:
    """A row of `providers` with its token; `problem` says why a token could not be read."""

    id: str
    name: str
    region: str
    enabled: bool
    token: OldToken | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class OldKey:
    """A row of `api_keys`, its secret included; `accounts` are names, the default among them."""

    id: str
    secret: str = field(repr=False)
    name: str
    enabled: bool
    accounts: tuple[str, ...]
    default: str | None
    suppress_reasoning: bool
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class OldUsage:
    """A row of `usage_records`; `at` is None when its time cannot be read."""

    id: int
    key_id: str
    model: str
    account: str
    input_tokens: int
    output_tokens: int
    duration_ms: float
    at: datetime | None


class OldDatabase:
    """An open file; made by `open_old_database`. Its methods block."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._columns = {table: self._columns_of(table) for table in _NEEDED}

    def is_known(self) -> bool:
        """Whether it has the old program's tables."""
        return all(needed <= self._columns[table] for table, needed in _NEEDED.items())

    def accounts(self) -> list[OldAccount]:
        """All of them, by name."""
        tokens = {
            str(key)[len("kiro:") : -len(":token")]: value
            for key, value in self._connection.execute(
                "SELECT key, value FROM kv_store WHERE key LIKE 'kiro:%:token'"
            )
        }
        found = []
        for row in self._rows("providers", "name"):
            name = str(row["name"])
            token, problem = None, None
            if name in tokens:
                try:
                    token = _token(tokens[name])
                except (msgspec.MsgspecError, ValueError):
                    problem = "its token cannot be read"
            found.append(
                OldAccount(
                    id=str(row["id"]),
                    name=name,
                    region=str(row.get("region") or ""),
                    enabled=bool(row.get("enabled", 1)),
                    token=token,
                    problem=problem,
                )
            )
        return found

    def keys(self) -> list[OldKey]:
        """All of them, by name."""
        return [
            OldKey(
                id=str(row["id"]),
                secret=str(row["key"]),
                name=str(row["name"]),
                enabled=bool(row.get("enabled", 1)),
                accounts=_names(row.get("kiro_accounts")),
                default=str(row.get("kiro_default_account") or "") or None,
                suppress_reasoning=bool(row.get("suppress_reasoning", 0)),
                created_at=parse_time(row.get("created_at")),
            )
            for row in self._rows("api_keys", "name")
        ]

    def first_usage(self) -> tuple[object, ...] | None:
        """The oldest row as it stands; rows are never deleted, so it tells files apart."""
        row = self._connection.execute(
            "SELECT id, key_id, created_at FROM usage_records ORDER BY id LIMIT 1"
        ).fetchone()
        return None if row is None else tuple(row)

    def usage_after(self, last_id: int, limit: int) -> list[OldUsage]:
        """The next rows."""
        rows = self._connection.execute(
            "SELECT * FROM usage_records WHERE id > ? ORDER BY id LIMIT ?", (last_id, limit)
        )
        return [
            OldUsage(
                id=row["id"],
                key_id=str(row["key_id"]),
                model=str(row.get("model") or ""),
                account=str(row.get("provider") or ""),
                input_tokens=_number(row["input_tokens"]),
                output_tokens=_number(row["output_tokens"]),
                duration_ms=_number(row.get("duration_ms")),
                at=parse_time(row["created_at"]),
            )
            for row in map(dict, rows)
        ]

    def _rows(self, table: str, order: str) -> Iterator[dict[str, object]]:
        for row in self._connection.execute(f"SELECT * FROM {table} ORDER BY {order}"):  # noqa: S608  # our own words
            yield dict(row)

    def _columns_of(self, table: str) -> set[str]:
        return {row["name"] for row in self._connection.execute(f"PRAGMA table_info({table})")}


@contextmanager
def open_old_database(path: Path) -> Iterator[OldDatabase]:
    """Open the file for reading; belongs to one thread at a time.

    Raises:
        InvalidRequest: there is no such file, or it is not the old program's.
    """
    if not path.is_file():
        raise InvalidRequest(f"There is no file {path}.")
    try:
        with closing(
            sqlite3.connect(
                read_only_uri(path),
                uri=True,
                timeout=BUSY_TIMEOUT,
                check_same_thread=False,
            )
        ) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            old = OldDatabase(connection)
            if not old.is_known():
                raise InvalidRequest(f"{path} is no database of the Go program.")
            yield old
    except sqlite3.Error as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc}.") from exc


def parse_time(value: object) -> datetime | None:
    """A time as Go prints it or as SQLite's own functions do; None when it is neither, or zero.

    Go's `Time.String()` reads `2026-06-01 12:34:56.789012345 +0000 UTC`, sometimes with ` m=+0.5`
    behind. Without an offset it is UTC. Numbers are seconds since 1970, large ones milliseconds.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = value / 1000 if value > 1e10 else float(value)
        try:
            return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
        except (OverflowError, ValueError, OSError):
            return None
    found = _TIME.fullmatch(str(value or "").strip())
    if found is None:
        return None
    day, time, fraction, offset = found.groups()
    text = f"{day}T{time}.{(fraction or '').ljust(6, '0')[:6]}{_offset(offset)}"
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return at if at.year >= EPOCH_YEAR else None


def _offset(offset: str | None) -> str:
    if offset in {None, "Z"}:
        return "+00:00"
    assert offset is not None
    return offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"


class _Token(msgspec.Struct):
    """The old program's own form of a token."""

    access_token: str | None = None
    refresh_token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_endpoint: str | None = None
    expires_at: str | None = None
    is_external_idp: bool | None = None
    refresh_scope: str | None = None
    profile_arn: str | None = None


def _token(text: object) -> OldToken | None:
    token = msgspec.json.decode(str(text), type=_Token)
    if not token.access_token and not token.refresh_token:
        return None
    host = (urlsplit(token.token_endpoint or "").hostname or "").lower()
    region: str | None = None
    method: AuthMethod = "social"
    if token.is_external_idp:
        method = "external_idp"
    elif found := _OIDC_HOST.fullmatch(host):
        # The start URL was not kept. Only organisations' identities have a profile.
        method = "idc" if token.profile_arn else "builder_id"
        region = found[1]
    else:
        region = "us-east-1"
    return OldToken(
        auth_method=method,
        auth_region=region,
        profile_arn=token.profile_arn or None,
        credentials=Credentials(
            access_token=token.access_token or None,
            refresh_token=token.refresh_token or None,
            expires_at=parse_time(token.expires_at),
            client_id=token.client_id or None,
            client_secret=token.client_secret or None,
            token_endpoint=(token.token_endpoint or None) if token.is_external_idp else None,
            refresh_scope=token.refresh_scope or None,
        ),
    )


def _names(value: object) -> tuple[str, ...]:
    try:
        names: Sequence[str] = msgspec.json.decode(str(value or "[]"), type=list[str])
    except msgspec.MsgspecError:
        return ()
    return tuple(dict.fromkeys(names))


def _number(value: object) -> int:
    return round(value) if isinstance(value, (int, float)) else 0
