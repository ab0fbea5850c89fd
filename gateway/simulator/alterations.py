"""Good answers with something about them that programs stumble over."""

from collections.abc import Iterator

from gateway.simulator.paging import PAGED, REPEATING
from gateway.simulator.scenario import Alter, Operation, Scenario
from gateway.simulator.strict_json import JsonObject

NO_REFRESH_TOKEN = "no-refresh-token"  # noqa: S105  # a scenario's name
_TOKENS: frozenset[Operation] = frozenset({"exchange", "refresh", "poll"})
_LISTS: frozenset[Operation] = frozenset({"models", "profiles"})


def _without(*names: str) -> Alter:
    def alter(answer: JsonObject) -> JsonObject:
        return {name: value for name, value in answer.items() if name not in names}

    return alter


def _as_it_is(answer: JsonObject) -> JsonObject:
    return answer


def _in_data(answer: JsonObject) -> JsonObject:
    return {"data": answer}


def alterations() -> Iterator[Scenario]:
    """Every scenario of this kind."""
    yield Scenario(
        NO_REFRESH_TOKEN,
        "200 without a refresh token; one that was spent for it stays good.",
        _TOKENS,
        alter=_as_it_is,
    )
    yield Scenario(
        "no-access-token",
        "200 without an access token.",
        _TOKENS,
        alter=_without("accessToken", "access_token"),
    )
    yield Scenario(
        "no-expiry",
        "200 that does not say how long the access token lives.",
        _TOKENS,
        alter=_without("expiresIn", "expires_in"),
    )
    yield Scenario(
        "no-profile-arn",
        "200 without a profile ARN.",
        frozenset({"exchange", "refresh"}),
        alter=_without("profileArn"),
    )
    yield Scenario(
        PAGED, "Pages of two entries, however many were asked for.", _LISTS, alter=_as_it_is
    )
    yield Scenario(
        REPEATING,
        "The first page again and again, always with the same nextToken.",
        _LISTS,
        alter=_as_it_is,
    )
    yield Scenario(
        "tokens-in-data", '200 whose members sit in {"data": …}.', _TOKENS, alter=_in_data
    )
