"""The file in which Kiro's IDE keeps its sign-in, `~/.aws/sso/cache/kiro-auth-token.json`.

For organisations and Builder ID it names, by `clientIdHash`, a second file in the same folder with
the registration of the OIDC client.
"""

import re
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway.errors import InvalidRequest
from gateway.store.accounts import (
    DEFAULT_REGION,
    AuthMethod,
    Credentials,
    ImportSource,
    check_region,
)
from gateway.upstream.signin.imported import (
    Imported,
    check_file,
    oidc_method,
    plain_start_url,
)
from gateway.upstream.signin.timestamps import parse_timestamp

MAX_FILE = 1024 * 1024  # bytes

# It becomes part of a path: a crafted file must not point elsewhere.
_CLIENT_ID_HASH = re.compile(r"[0-9a-f]{40,64}")
_Time = str | int | float | None
_File = TypeVar("_File")


class _Token(msgspec.Struct, rename="camel"):
    access_token: str | None = None
    refresh_token: str | None = None
    expires_at: _Time = None
    profile_arn: str | None = None
    region: str | None = None
    auth_method: str | None = None
    provider: str | None = None
    start_url: str | None = None
    client_id_hash: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    client_secret_expires_at: _Time = None


class _Registration(msgspec.Struct, rename="camel"):
    client_id: str | None = None
    client_secret: str | None = None
    expires_at: _Time = None
    client_secret_expires_at: _Time = None


def read_ide_cache(path: Path) -> Imported:
    """The sign-in in the IDE's file.

    Raises:
        InvalidRequest: it is not that file, or what it holds cannot be renewed.
    """
    token = _decode(path, _Token)
    method = _method(path, token)
    if not (token.access_token or token.refresh_token):
        raise InvalidRequest(f"{path}: nobody is signed in there.")
    if token.refresh_token and ("..." in token.refresh_token or "…" in token.refresh_token):
        raise InvalidRequest(
            f"{path} holds only a shortened refresh token. Sign in with kiro-cli instead."
        )
    registration = _Registration()
    if method != "social":
        registration = _registration(path, token)
    source = ImportSource("ide", str(path))
    credentials = Credentials(
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=parse_timestamp(token.expires_at),
        client_id=registration.client_id,
        client_secret=registration.client_secret,
        client_expires_at=parse_timestamp(
            registration.client_secret_expires_at or registration.expires_at
        ),
        start_url=None if method == "social" else plain_start_url(token.start_url),
        import_source=source,
    )
    region = check_region(token.region or DEFAULT_REGION)
    return Imported(credentials, method, region, token.profile_arn or None, source)


def _method(path: Path, token: _Token) -> AuthMethod:
    written = re.sub(r"[^a-z]", "", (token.auth_method or "").lower())
    provider = (token.provider or "").lower()
    if written == "social" or (not written and provider in {"google", "github"}):
        return "social"
    if written in {"idc", "builderid"} or (not written and (token.client_id_hash or provider)):
        # Without a word to the contrary an organisation, never Builder ID: the registration would
        # be taken for another's.
        if "builderid" in {written, provider}:
            return "builder_id"
        return oidc_method(token.start_url) if token.start_url else "idc"
    if written:
        raise InvalidRequest(f"{path} was signed in in a way that is not known here.")
    raise InvalidRequest(f"{path} is not the file in which Kiro's IDE keeps its sign-in.")


def _registration(path: Path, token: _Token) -> _Registration:
    if token.client_id and token.client_secret:
        return _Registration(
            client_id=token.client_id,
            client_secret=token.client_secret,
            client_secret_expires_at=token.client_secret_expires_at,
        )
    if not _CLIENT_ID_HASH.fullmatch(token.client_id_hash or ""):
        raise InvalidRequest(f"{path} does not name its client registration. Sign in there again.")
    companion = path.with_name(f"{token.client_id_hash}.json")
    check_file(companion)
    registration = _decode(companion, _Registration)
    if not (registration.client_id and registration.client_secret):
        raise InvalidRequest(f"{companion} holds no client registration. Sign in there again.")
    return registration


def _decode(path: Path, type_: type[_File]) -> _File:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(MAX_FILE), type=type_)
    except OSError as exc:
        raise InvalidRequest(f"{path} cannot be read: {exc.strerror}.") from exc
    except msgspec.MsgspecError:
        # Its own words could quote the token.
        problem = InvalidRequest(f"{path} is not the JSON that was expected there.")
    raise problem
