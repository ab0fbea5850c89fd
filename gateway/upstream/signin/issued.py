"""What a finished sign-in holds, whichever way it went, and how one can fail."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from gateway.errors import UpstreamError
from gateway.store.accounts import AuthMethod, Credentials
from gateway.upstream.signin.answers import DEFAULT_LIFETIME, Answer

Why = Literal[
    "denied",
    "expired",
    "code_refused",
    "client_refused",
    "refused",
    "no_refresh_token",
    "no_token",
    "no_profile",
    "unreachable",
    "account_removed",
    "internal",
]
"""Why a sign-in failed, in a word for programs."""


class SignInFailed(UpstreamError):
    """This sign-in is over; only a new one helps. Its text says what happened and what to do."""

    def __init__(self, message: str, *, why: Why, upstream_status: int | None = None) -> None:
        super().__init__(message, code=why, upstream_status=upstream_status)
        self.why = why


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Credentials that nobody has stored yet.

    `auth_region` is None where the kind of sign-in has none.
    """

    credentials: Credentials
    auth_method: AuthMethod
    auth_region: str | None = None
    profile_arn: str | None = None


def issued_tokens(answer: Answer, *, now: datetime) -> SignedIn:
    """The tokens of a 200, in either spelling; some services wrap them in `data`.

    As those of Google and GitHub; for others `auth_method` and more have to be replaced.

    Raises:
        SignInFailed: it has none, or no refresh token: such a sign-in would be over in an hour.
    """
    inner = answer.members.get("data")
    if isinstance(inner, dict):
        answer = replace(answer, body=msgspec.json.encode(inner))
    access_token = answer.text("accessToken", "access_token")
    if access_token is None:
        raise SignInFailed(
            "The sign-in service answered without a token. Start the sign-in again.", why="no_token"
        )
    refresh_token = answer.text("refreshToken", "refresh_token")
    if refresh_token is None:
        raise SignInFailed(
            "The sign-in service gave no refresh token, so the account would be signed out within "
            "the hour; nothing was stored. Ask the organisation's administrator to allow offline "
            "access (refresh tokens) for this client, or sign in another way.",
            why="no_refresh_token",
        )
    lifetime = answer.seconds("expiresIn", "expires_in") or DEFAULT_LIFETIME
    credentials = Credentials(
        access_token=access_token,
        refresh_token=refresh_token,
        expires_at=now + timedelta(seconds=lifetime),
    )
    return SignedIn(credentials, "social", profile_arn=answer.text("profileArn", "profile_arn"))
