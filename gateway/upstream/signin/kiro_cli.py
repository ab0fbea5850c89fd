"""The database of kiro-cli and of Amazon Q's command line.

`auth_kv(key, value)` has a row with a JSON text for each kind of token and for the registration of
the OIDC client (`odic` is their spelling); `state(key, value)` has the profile. Values come as text
or as blobs.
"""

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gateway.errors import InvalidRequest
from gateway.store.accounts import (
    DEFAULT_REGION,
    AuthMethod,
    Credentials,
    ImportSource,
    check_region,
)
from gateway.upstream.signin.imported import Findings, Imported, oidc_method, plain_start_url
from gateway.upstream.signin.timestamps import parse_timestamp
from gateway.upstream.signin.token_scope import scope_of

LOCK_TIMEOUT = 3.0  # seconds to wait for the other program's transaction

_PROFILE_KEY = "api.codewhisperer.profile"
_TOKEN_KEY = re.compile(r"(kirocli|codewhisperer):(social|odic|oidc|external-idp):token")

_Time = str | int | float | None


class _Token(msgspec.Struct):
    access_token: str | None = None
    refresh_token: str | None = None
    expires_at: _Time = None
    region: str | None = None
    start_url: str | None = None
    profile_arn: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_endpoint: str | None = None


class _Registration(msgspec.Struct):
    client_id: str | None = None
    client_secret: str | None = None
    client_secret_expires_at: _Time = None
    region: str | None = None


class _Profile(msgspec.Struct):
    arn: str | None = None


def read_cli_database(path: Path, *, lock_timeout: float = LOCK_TIMEOUT) -> Findings:
    """Every sign-in in such a database. It is opened for reading only.

    Raises:
        InvalidRequest: it is locked for seconds, or no such database.
    """
    tokens, profile_arn = _read(path, lock_timeout)
    findings = Findings()
    for key in sorted(tokens):
        match = _TOKEN_KEY.fullmatch(key)
        if match is None:
            continue
        try:
            findings.found.append(_imported(path, match[1], match[2], tokens, profile_arn))
        except InvalidRequest as exc:
            findings.problems.append(f"{path}, {key}: {exc}")
        except msgspec.MsgspecError:
            # Its own words could quote the token.
            findings.problems.append(f"{path}, {key}: it is not the expected JSON.")
    if not findings.found and not findings.problems:
        findings.problems.append(f"{path}: nobody is signed in there.")
    return findings


def _read(path: Path, lock_timeout: float) -> tuple[Mapping[str, bytes], str | None]:
    """The rows of `auth_kv`, and the profile ARN."""
    try:
        # Not `immutable`: that would pass over what still is in the write-ahead log.
        uri = path.absolute().as_uri() + "?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=lock_timeout)) as connection:
            connection.text_factory = bytes
            tables = {
                name.decode()
                for (name,) in connection.execute("SELECT name FROM sqlite_master")
                if isinstance(name, bytes)
            }
            if "auth_kv" not in tables:
                raise InvalidRequest(f"{path} is no database of kiro-cli or Amazon Q.")
            tokens = {
                key.decode(): value
                for key, value in connection.execute("SELECT key, value FROM auth_kv")
                if isinstance(key, bytes) and isinstance(value, bytes)
            }
            profile = None
            if "state" in tables:
                profile = connection.execute(
                    "SELECT value FROM state WHERE key = ?", (_PROFILE_KEY,)
                ).fetchone()
    except sqlite3.OperationalError as exc:
        raise InvalidRequest(
            f"{path} cannot be read now ({exc}). Close the program it belongs to and try again."
        ) from exc
    except (sqlite3.DatabaseError, UnicodeDecodeError) as exc:
        raise InvalidRequest(f"{path} is no database of kiro-cli or Amazon Q.") from exc
    return tokens, _profile_arn(profile[0]) if profile else None


def _profile_arn(value: object) -> str | None:
    try:
        return msgspec.json.decode(value, type=_Profile).arn if isinstance(value, bytes) else None
    except msgspec.MsgspecError:
        return None


def _imported(
    path: Path, program: str, kind: str, rows: Mapping[str, bytes], profile_arn: str | None
) -> Imported:
    token = msgspec.json.decode(rows[f"{program}:{kind}:token"], type=_Token)
    if not (token.access_token or token.refresh_token):
        raise InvalidRequest("it holds no token.")
    source = ImportSource("kiro-cli", str(path))
    region = DEFAULT_REGION
    method: AuthMethod
    if kind == "social":
        method = "social"
        credentials = _credentials(token, source)
    elif kind == "external-idp":
        method = "external_idp"
        credentials = _external_credentials(token, source)
    else:
        method = oidc_method(token.start_url)
        registration = _registration(program, kind, rows)
        region = check_region(token.region or registration.region or DEFAULT_REGION)
        credentials = _oidc_credentials(token, registration, source)
    return Imported(credentials, method, region, token.profile_arn or profile_arn, source)


def _registration(program: str, kind: str, rows: Mapping[str, bytes]) -> _Registration:
    other = "oidc" if kind == "odic" else "odic"
    for spelling in (kind, other):
        if row := rows.get(f"{program}:{spelling}:device-registration"):
            registration = msgspec.json.decode(row, type=_Registration)
            if registration.client_id and registration.client_secret:
                return registration
    raise InvalidRequest(
        "the client registration that renews its token is missing; sign in there again."
    )


def _credentials(token: _Token, source: ImportSource) -> Credentials:
    return Credentials(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=parse_timestamp(token.expires_at),
        import_source=source,
    )


def _oidc_credentials(
    token: _Token, registration: _Registration, source: ImportSource
) -> Credentials:
    return Credentials(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=parse_timestamp(token.expires_at),
        client_id=registration.client_id,
        client_secret=registration.client_secret,
        client_expires_at=parse_timestamp(registration.client_secret_expires_at),
        start_url=plain_start_url(token.start_url),
        import_source=source,
    )


def _external_credentials(token: _Token, source: ImportSource) -> Credentials:
    if not token.client_id or not token.token_endpoint:
        raise InvalidRequest("its client id or token endpoint is missing; sign in there again.")
    host = urlsplit(token.token_endpoint).hostname or ""
    is_aws = re.fullmatch(r"oidc\.[a-z0-9-]+\.amazonaws\.com", host)
    return Credentials(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=parse_timestamp(token.expires_at),
        client_id=token.client_id,
        client_secret=token.client_secret,
        token_endpoint=token.token_endpoint,
        refresh_scope=None if is_aws else scope_of(token.access_token or ""),
        import_source=source,
    )
