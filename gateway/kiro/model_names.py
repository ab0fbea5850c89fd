"""Model names as clients write them → ids as the service knows them.

A name that the account's catalogue lists is never changed. Others lose what routers and clients
put around a name (`anthropic/…`, `…[1m]`, `…-thinking`), then the spellings in use for Claude
models are brought to the service's own. What remains unknown passes through as it came: it is the
service that says whether a model exists.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from gateway.errors import InvalidRequest

_ROUTES: Final = ("openai/", "anthropic/")
_LISTED_PREFIX: Final = "anthropic."
_THINKING: Final = "-thinking"
_WINDOW: Final = re.compile(r"\[\d+[km]\]$", re.IGNORECASE)

_ALIASES: Final = {
    spelling: model
    for model, spellings in {
        "claude-opus-4.7": ("claude-opus-4-7", "claude-opus-4-7-1m", "claude-opus-4.7-1m"),
        "claude-opus-4.6": (
            "claude-opus-4-6",
            "claude-opus-4-6-1m",
            "claude-opus-4.6-1m",
            "claude-opus-4-6.1m",
        ),
    }.items()
    for spelling in spellings
}

_FAMILY: Final = "(?P<family>haiku|sonnet|opus)"
# A minor version has at most two digits; eight digits are a date.
_SPELLINGS: Final = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (
            rf"claude-{_FAMILY}-(?P<major>\d+)-(?P<minor>\d{{1,2}})(?:-(?:\d+|latest))?",
            "claude-{family}-{major}.{minor}",
        ),
        (rf"claude-{_FAMILY}-(?P<major>\d+)(?:-\d{{8}})?", "claude-{family}-{major}"),
        (
            rf"claude-(?P<major>\d+)-(?P<minor>\d{{1,2}})-{_FAMILY}(?:-(?:\d+|latest))?",
            "claude-{major}.{minor}-{family}",
        ),
        (
            rf"(?P<name>claude-(?:{_FAMILY}-\d+\.\d+|\d+\.\d+-(?:haiku|sonnet|opus)))-\d{{8}}",
            "{name}",
        ),
        (
            rf"claude-(?P<major>\d+)\.(?P<minor>\d+)-{_FAMILY}-.+",
            "claude-{family}-{major}.{minor}",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """The service's id; `thinking` is set when the client's name asked for it."""

    id: str
    thinking: bool = False


def resolve(name: str, catalogue: Collection[str]) -> ResolvedModel:
    """Find the service's id for a client's model name.

    Args:
        name: as the client wrote it.
        catalogue: the ids that the account may use, empty when not known.

    Raises:
        InvalidRequest: the name is empty.
    """
    known = {model.lower(): model for model in catalogue}
    name = name.strip()
    for route in _ROUTES:
        if name.lower().startswith(route) and name.lower() not in known:
            name = name[len(route) :].strip()
            break
    if name.lower().startswith(_LISTED_PREFIX):
        bare = name[len(_LISTED_PREFIX) :].strip()
        if bare.lower() in known or name.lower() not in known:
            name = bare
    if not name:
        raise InvalidRequest("model is required")

    thinking = False
    while (lowered := name.lower()) not in known:
        if (window := _WINDOW.search(name)) and window.start():
            name = name[: window.start()].rstrip()
        elif lowered.endswith(_THINKING) and len(name) > len(_THINKING):
            name, thinking = name[: -len(_THINKING)], True
        else:
            return ResolvedModel(_respell(name, known), thinking)
    return ResolvedModel(known[lowered], thinking)


def _respell(name: str, known: dict[str, str]) -> str:
    """The service's spelling of a name that the catalogue lacks."""
    lowered = name.lower()
    if lowered.endswith("-1m"):
        # Some catalogues list the large window as a model of its own, with a dotted version.
        short = lowered[: -len("-1m")]
        long_window = f"{_dotted(short) or short}-1m"
        if long_window in known:
            return known[long_window]
    respelt = _ALIASES.get(lowered) or _dotted(lowered)
    if respelt is None:
        return name
    return known.get(respelt, respelt)


def _dotted(lowered: str) -> str | None:
    """The name in the service's spelling, None for one that follows no known pattern."""
    for pattern, form in _SPELLINGS:
        if found := pattern.fullmatch(lowered):
            return form.format(**found.groupdict())
    return None


def client_id(kiro_id: str) -> str:
    """The id in our model lists; some clients show only ids that begin with one of these words."""
    if kiro_id.lower().startswith(("claude", "anthropic")):
        return kiro_id
    return f"{_LISTED_PREFIX}{kiro_id}"
