"""What every refresh has in common, wherever the token is spent."""

from collections.abc import Collection

from gateway.simulator.accounts import AuthMethod
from gateway.simulator.alterations import NO_REFRESH_TOKEN
from gateway.simulator.refusals import oauth_error
from gateway.simulator.rule import refused
from gateway.simulator.service import Asked
from gateway.simulator.tokens import Grant

GRANT_INVALID = oauth_error("invalid_grant", "Invalid refresh token provided")


def wants_refresh_token(asked: Asked) -> bool:
    """Whether the answer is to hold a refresh token."""
    return asked.scenario.name != NO_REFRESH_TOKEN


async def renew(
    asked: Asked,
    refresh_token: str,
    methods: Collection[AuthMethod],
    client_id: str | None = None,
    *,
    rotate: bool = True,
    usable: bool = True,
) -> Grant:
    """Spend a refresh token for a client.

    Raises:
        Refused: unknown, spent, revoked, another kind's or another client's.
    """
    desk = asked.simulator.desk
    family = desk.family_of(refresh_token)
    asked.entry.account = family.account.name if family else None
    await asked.meet_scenario("refresh", asked.entry.account)
    if family is None or family.account.auth_method not in methods:
        raise refused("refresh-token", "refresh token", GRANT_INVALID)
    if family.client_id != client_id:
        raise refused("refresh-client", "client", GRANT_INVALID)
    rotate = rotate and wants_refresh_token(asked)
    grant = desk.exchange(refresh_token, rotate=rotate, usable=usable)
    if grant is None:
        raise refused("refresh-token-reused", "refresh token", GRANT_INVALID)
    return grant
