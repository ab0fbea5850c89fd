"""GET /admin/attention: what somebody should look at, the worst first."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.accounts.health_states import Health, State
from gateway.store.accounts import Account
from gateway.store.api_keys import ApiKey
from gateway.store.limit_use import long_standings
from gateway.store.limits import Standing, owner_of_key
from gateway.store.usage_report import UsageQuestion, usage_report
from gateway.web.admin.call import Call
from gateway.web.quota_shapes import CRITICAL
from gateway.web.services import Services

Kind = Literal["account", "quota", "key_expiry", "key_limit", "errors"]
Severity = Literal["critical", "warning"]

# In these an account serves nobody until somebody does something about it, or for long.
CRITICAL_STATES: frozenset[State] = frozenset(
    {"sign_in_required", "suspended", "quota_exhausted", "misconfigured", "forbidden"}
)
WARNING_STATES: frozenset[State] = frozenset({"failing", "not_signed_in"})

EXPIRES_SOON = timedelta(days=7)
# A key that ended is told for so long: afterwards nobody seems to miss it.
EXPIRED_LATELY = timedelta(days=7)

ERRORS_SINCE = timedelta(hours=1)
FEW_ERRORS = 5  # fewer than that in an hour are somebody's typing errors
MANY_ERRORS, MOST_ERRORS = 0.1, 0.5  # of all requests


class Concern(msgspec.Struct, frozen=True):
    """One thing to look at.

    `used` and `limit` are a quota's units, a key's tokens or credits, or failed and all requests.
    """

    kind: Kind
    severity: Severity
    id: Annotated[str | None, Meta(description="Of the account or API key that it is about.")]
    name: Annotated[str | None, Meta(description="What that is called.")]
    about: Annotated[
        str | None, Meta(description="The state of an account, or the name of a key's limit.")
    ]
    reason: Annotated[str | None, Meta(description="What is wrong, in a sentence.")]
    advice: Annotated[str | None, Meta(description="What to do about it.")]
    used: float | None
    limit: float | None
    at: Annotated[
        datetime | None,
        Meta(
            description="When it passes by itself, a quota begins anew, or a key ends; errors are "
            "counted from then on."
        ),
    ]


class Attention(msgspec.Struct, frozen=True):
    """Everything that somebody should look at; nothing is asked of the service."""

    concerns: list[Concern]


async def get(call: Call) -> Attention:
    """GET /admin/attention: what somebody should look at, the worst first; nothing is asked."""
    services, now = call.services, call.now
    concerns = [
        *(one for account in services.directory.accounts for one in _of_account(services, account)),
        *(await _of_keys(services, now)),
        *(await _of_errors(services, now)),
    ]
    concerns.sort(key=lambda one: one.severity != "critical")
    return Attention(concerns)


def _of_account(services: Services, account: Account) -> Iterator[Concern]:
    health = services.health.of(account)
    if health.state in CRITICAL_STATES | WARNING_STATES:
        yield _trouble(account, health)
        return
    heard = services.quotas.last(account.id)
    if not account.enabled or heard is None or not heard.value.known:
        return
    total = heard.value.total
    if total.percent_used >= CRITICAL:
        yield _concern(
            "quota",
            "warning",
            account,
            used=total.used,
            limit=total.limit,
            at=heard.value.resets_at,
        )


def _trouble(account: Account, health: Health) -> Concern:
    return _concern(
        "account",
        "critical" if health.state in CRITICAL_STATES else "warning",
        account,
        about=health.state,
        reason=health.reason,
        advice=health.advice,
        at=health.until,
    )


async def _of_keys(services: Services, now: datetime) -> list[Concern]:
    """Ends and limits of the keys that are enabled."""
    found: list[Concern] = []
    limited: list[ApiKey] = []
    for key in services.directory.api_keys:
        if not key.enabled:
            continue
        left = key.expires_at - now if key.expires_at else None
        if left is not None and -EXPIRED_LATELY < left < EXPIRES_SOON:
            ended = left <= timedelta(0)
            severity: Severity = "critical" if ended else "warning"
            found.append(_concern("key_expiry", severity, key, at=key.expires_at))
        if left is None or left > timedelta(0):
            limited.append(key)
    async with services.database.connect() as db:
        for key in limited:
            if (owner := owner_of_key(key)) is None:
                continue
            standings = await long_standings(db, owner, now=now)
            found += [_near_limit(key, one) for one in standings if _is_near(one)]
    return found


def _is_near(one: Standing) -> bool:
    return one.used >= one.limit * CRITICAL / 100


def _near_limit(key: ApiKey, one: Standing) -> Concern:
    return _concern(
        "key_limit",
        "critical" if one.used >= one.limit else "warning",
        key,
        about=one.name,
        used=one.used,
        limit=one.limit,
        at=one.resets_at,
    )


async def _of_errors(services: Services, now: datetime) -> list[Concern]:
    since = now - ERRORS_SINCE
    async with services.database.connect() as db:
        rows = await usage_report(db, UsageQuestion(since=since, group_by=()))
    requests = sum(row.sums.requests for row in rows)
    errors = sum(row.sums.errors for row in rows)
    if errors < FEW_ERRORS or errors < requests * MANY_ERRORS:
        return []
    severity: Severity = "critical" if errors >= requests * MOST_ERRORS else "warning"
    return [_concern("errors", severity, None, used=errors, limit=requests, at=since)]


def _concern(
    kind: Kind,
    severity: Severity,
    subject: Account | ApiKey | None,
    *,
    about: str | None = None,
    reason: str | None = None,
    advice: str | None = None,
    used: float | None = None,
    limit: float | None = None,
    at: datetime | None = None,
) -> Concern:
    return Concern(
        kind=kind,
        severity=severity,
        id=subject.id if subject else None,
        name=subject.name if subject else None,
        about=about,
        reason=reason,
        advice=advice,
        used=used,
        limit=limit,
        at=at,
    )
