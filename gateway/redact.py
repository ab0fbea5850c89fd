"""Hide secrets in what is about to be logged.

Always redact first and cut afterwards: a secret that a cut has halved is no longer recognised.
"""

import re
from collections.abc import Mapping

HIDDEN = "***"

# Compared without case, "_" and "-", so that access_token, accessToken and Access-Token are one.
SECRET_NAMES = frozenset(
    {
        "accesskey",
        "accesstoken",
        "adminkey",
        "apikey",
        "assertion",
        "authorization",
        "bearer",
        "clientsecret",
        "code",
        "codeverifier",
        "cookie",
        "devicecode",
        "idtoken",
        "kiroapikey",
        "password",
        "proxyauthorization",
        "refreshtoken",
        "secret",
        "secretkey",
        "sessiontoken",
        "setcookie",
        "token",
        "usercode",
        "xamzsecuritytoken",
        "xapikey",
    }
)

_NAMES = "|".join("[_-]?".join(name) for name in sorted(SECRET_NAMES, key=len, reverse=True))
_JSON_MEMBER = re.compile(
    rf"""("(?:{_NAMES})"\s*:\s*)(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|-?[0-9][^,\s}}\]]*)""",
    re.IGNORECASE | re.DOTALL,
)
# JSON inside a JSON string: every quote has backslashes before it, and the same ones end the value.
_QUOTED_JSON_MEMBER = re.compile(
    rf"""((\\+")(?:{_NAMES})\2\s*:\s*\2)(?:(?!(?<!\\)\2).)*""", re.IGNORECASE | re.DOTALL
)
# As Python shows a dict, or what an object was made with, also inside another such text.
_REPR_MEMBER = re.compile(
    rf"""(?<![A-Za-z0-9_-])((?:{_NAMES})(?:\\*["'])?\s*[:=]\s*b?(\\*["']))(?:(?!(?<!\\)\2).)*""",
    re.IGNORECASE | re.DOTALL,
)
_FORM_MEMBER = re.compile(rf"""(?<![A-Za-z0-9_-])((?:{_NAMES})=)[^&\s"'<>]+""", re.IGNORECASE)
_HEADER_LINE = re.compile(
    rf"""(?m)^([ \t]*(?:{_NAMES})[ \t]*:[ \t]*)(?:(bearer|basic)[ \t]+)?\S[^\r\n]*""", re.IGNORECASE
)
_BARE = re.compile(
    r"\bsk-kiro-[\w-]+"  # API keys of this gateway
    r"|\bkiro-admin-[\w-]+"  # its admin key
    r"|(?<=#link=)[\w-]+"  # what signs in, once, in a link to the admin pages
    r"|\bksk_[\w-]+"  # Kiro API keys
    r"|\bao[ar][A-Z0-9][\w+/=:.-]{15,}"  # access and refresh tokens of the service
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # JSON web tokens
    r"|(?<=[Bb]earer )[\w.~+/=:-]{8,}"
    r"|(?<=hooks\.slack\.com/)[\w/-]+"  # whoever knows these may write to the channel
    r"|(?<=webhook\.office\.com/)[\w/@.-]+"
    r"|(?<=[?&]sig=)[^\s&\"'<>]+"  # of workflows, Microsoft Teams' among them
    r"|(?<=://)[^\s/@:\"']*:[^\s/@\"']+(?=@)"  # user and password in a URL
)


def is_secret_name(name: str) -> bool:
    """Tell whether a header, JSON member or form field of this name holds a secret."""
    return name.replace("_", "").replace("-", "").lower() in SECRET_NAMES


def redact_bare(text: str) -> str:
    """Hide what is recognisable as a secret by itself, wherever it stands."""
    return _BARE.sub(HIDDEN, text)


def redact_text(text: str, limit: int) -> str:
    """Hide secrets in a body: JSON (also quoted in JSON), form, header lines or plain text.

    The result has at most `limit` characters of it, and then says how many are missing.
    """
    text = redact_members(text)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


def redact_traceback(text: str) -> str:
    """Hide secrets in a traceback, whose messages may quote a body, headers or any object."""
    return redact_members(_REPR_MEMBER.sub(rf"\1{HIDDEN}", text))


def redact_members(text: str) -> str:
    """Hide what is recognisable as a secret by its name, or by itself."""
    text = _JSON_MEMBER.sub(rf'\1"{HIDDEN}"', text)
    text = _QUOTED_JSON_MEMBER.sub(rf"\1{HIDDEN}", text)
    text = _FORM_MEMBER.sub(rf"\1{HIDDEN}", text)
    text = _HEADER_LINE.sub(rf"\1{HIDDEN}", text)
    return redact_bare(text)


def redact_headers(headers: Mapping[str, str], limit: int = 1024) -> dict[str, str]:
    """Copy headers with the secret ones hidden and the others cut to `limit` characters."""
    return {
        name: HIDDEN if is_secret_name(name) else redact_text(value, limit)
        for name, value in headers.items()
    }
