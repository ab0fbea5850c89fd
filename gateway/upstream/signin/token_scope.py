"""The scope to ask an external identity provider for when it renews a token."""

import base64

import msgspec


class _Claims(msgspec.Struct):
    aud: str | list[str] | None = None
    scp: str | None = None


def scope_of(access_token: str) -> str | None:
    """The scopes of a JWT in the form its issuer wants them back; None when it does not tell them.

    `aud` "api://1" and `scp` "a b" give "api://1/a api://1/b offline_access". Asked for less, such
    providers issue a token for another audience, which Kiro refuses. The signature is not checked:
    nothing is decided by the content.
    """
    parts = access_token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = msgspec.json.decode(payload, type=_Claims)
    except (ValueError, msgspec.MsgspecError):
        return None
    audience = claims.aud[0] if isinstance(claims.aud, list) and claims.aud else claims.aud
    if not isinstance(audience, str) or not audience or not (claims.scp or "").split():
        return None
    scopes = [f"{audience}/{scope}" for scope in (claims.scp or "").split()]
    return " ".join([*scopes, "offline_access"])
