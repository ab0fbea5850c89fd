"""Which refusal of the service makes an account sit out, for how long, and what clients hear then.

Pure: what happened and the time in, a cool-down or an error out.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.errors import (
    AccountSignInFailed,
    AccountSuspended,
    GatewayError,
    NoAccountAvailable,
    QuotaSpent,
    RateLimited,
    UpstreamAccessDenied,
    UpstreamError,
)
from gateway.kiro.quota import Quota
from gateway.store.accounts import Account
from gateway.store.cooldowns import MODEL_LENGTH, Cooldown, Kind

FIRST_RATE, LONGEST_RATE = timedelta(seconds=10), timedelta(seconds=120)  # doubling
# What a broken service might ask for must not take an account out for years.
LONGEST_RETRY_AFTER = timedelta(days=1)
UNKNOWN_RESET = timedelta(hours=24)
# For so long after its end, a cool-down makes the next one longer.
REMEMBERED: dict[Kind, timedelta] = {
    "rate": timedelta(minutes=10),
    "exhausted": timedelta(hours=24),
}
SIGN_IN_RETRY = 60.0  # seconds; by then the health check has tried to renew the token
# The service counts to the hundredth.
ONE_CENT = 0.01  # units of quota


def kind_of(error: GatewayError) -> Kind | None:
    """Why an account has to sit out after this; None: it need not."""
    match error:
        case RateLimited():
            return "rate"
        case AccountSuspended():
            return "suspended"
        case QuotaSpent(period="day"):
            return "daily"
        case QuotaSpent():
            return "exhausted"
        case AccountSignInFailed():
            return "sign_in"
        case _:
            return None


def begin(
    error: GatewayError,
    account: Account,
    model: str,
    *,
    previous: Cooldown | None,
    quota: Quota | None,
    now: datetime,
) -> Cooldown | None:
    """The cool-down that a failed request brings about.

    Args:
        error: as the service gave it.
        account: as it was when the request was sent.
        model: that was asked for.
        previous: of the same kind, and where it is about a model of that one; may have passed.
        quota: as last heard.
        now: aware UTC.
    """
    kind = kind_of(error)
    if kind is None:
        return None
    strikes = _strikes(previous, now)
    since = previous.since if previous is not None and previous.holds(now) else now
    until: datetime | None
    match kind:
        case "rate":
            until = now + _rate_pause(error.retry_after, strikes)
            if previous is not None and previous.until is not None:
                # Many are refused at once: what one of them was told does not shorten it.
                until = max(until, previous.until)
        case "daily":
            until = _next_midnight(now)
        case "exhausted":
            until = _reset(quota, now)
        case "suspended" | "sign_in":
            until = None
    return Cooldown(
        account_id=account.id,
        kind=kind,
        since=since,
        until=until,
        model=model[:MODEL_LENGTH] if kind == "rate" else "",
        strikes=strikes,
        generation=account.generation,
        units_left=quota.total.remaining if quota is not None and kind == "exhausted" else None,
    )


def after_quota(
    account: Account, quota: Quota, current: Cooldown | None, *, now: datetime, learning: bool
) -> Cooldown | None:
    """What becomes of `current`, about an exhausted quota, when the service tells the quota.

    Room ends it, once. If the service refuses all the same, its figures are late or it means
    something else: then only more room than there was ends it before its time.

    Args:
        account: whose.
        quota: what was told.
        current: may have passed.
        now: aware UTC.
        learning: the quota was asked for to know the reset date, in the moment of the refusal.
    """
    room = has_room(quota)
    holds = current is not None and current.holds(now)
    if room is None or (room and not holds):
        return current
    until = _reset(quota, now)
    left = quota.total.remaining
    if current is None or not holds:
        if quota.resets_at is not None and quota.resets_at <= now:
            return current  # the new period has begun; the figures are still those of the old one
        strikes = 1 if current is None else current.strikes
        return Cooldown(
            account.id, "exhausted", now, until, "", strikes, account.generation, units_left=left
        )
    if not room:
        return _changed(current, until, left)
    if learning or (current.strikes > 1 and current.units_left is None):
        return _changed(current, until, left)
    if current.strikes > 1 and left <= (current.units_left or 0.0) + ONE_CENT:
        return current
    return _changed(current, now, current.units_left)


def has_room(quota: Quota) -> bool | None:
    """Whether requests can be paid for; None: what the service told does not say."""
    if not quota.known or quota.resource_type != "CREDIT" or quota.total.limit <= 0:
        return None
    return not quota.is_exhausted


def refusal(cooldown: Cooldown, account_name: str, now: datetime) -> GatewayError:
    """What a client is told whose request is not sent because of a cool-down."""
    left = (cooldown.until - now).total_seconds() if cooldown.until is not None else None
    until = f"{cooldown.until:%Y-%m-%d %H:%M} UTC" if cooldown.until is not None else ""
    match cooldown.kind:
        case "rate":
            return RateLimited(
                f'Kiro account "{account_name}" has had too many requests for '
                f"{cooldown.model or 'this model'}. Try again in {max(1, round(left or 1))} s.",
                code="rate_limit_exceeded",
                retry_after=left,
            )
        case "suspended":
            return AccountSuspended(
                f'Kiro has suspended account "{account_name}". Its owner has to settle that with '
                "Kiro's support; then an operator can enable it here again.",
                code="account_suspended",
            )
        case "daily":
            return QuotaSpent(
                f'Kiro account "{account_name}" has used up its quota for today, until {until}. '
                "Use another account.",
                period="day",
                code="insufficient_quota",
                retry_after=left,
            )
        case "exhausted":
            return QuotaSpent(
                f'The quota of Kiro account "{account_name}" is used up until {until}. '
                "Use another account, or raise the account's plan.",
                code="insufficient_quota",
                retry_after=left,
            )
        case "sign_in":
            return NoAccountAvailable(
                f'Kiro refuses the token of account "{account_name}". Sign the account in again.',
                retry_after=SIGN_IN_RETRY,
            )


def told(
    error: UpstreamError, cooldown: Cooldown | None, account_name: str, now: datetime
) -> UpstreamError:
    """What the client hears whose request failed: whose limit it is and until when, as `refusal`.

    Args:
        error: as the service gave it, which does not know our name for the account.
        cooldown: that it has brought about.
        account_name: ours.
        now: aware UTC.
    """
    named: UpstreamError
    if isinstance(error, UpstreamAccessDenied):
        named = UpstreamAccessDenied(
            f'Kiro refuses account "{account_name}" access to what was asked. '
            "Check the account's plan and permissions.",
            code=error.code,
        )
    elif isinstance(error, QuotaSpent | AccountSuspended) and cooldown is not None:
        later = refusal(cooldown, account_name, now)
        assert isinstance(later, UpstreamError)
        named = later
    else:
        return error
    named.upstream_status = error.upstream_status
    named.reason, named.request_id = error.reason, error.request_id
    return named


def is_forgotten(cooldown: Cooldown, now: datetime) -> bool:
    """Whether nothing depends on it any more."""
    if cooldown.until is None:
        return False
    return cooldown.until + REMEMBERED.get(cooldown.kind, timedelta(0)) <= now


def _strikes(previous: Cooldown | None, now: datetime) -> int:
    if previous is None or is_forgotten(previous, now):
        return 1
    # Requests that were on their way together were refused together.
    return previous.strikes if previous.holds(now) else previous.strikes + 1


def _rate_pause(retry_after: float | None, strikes: int) -> timedelta:
    if retry_after is not None:
        return min(timedelta(seconds=max(1.0, retry_after)), LONGEST_RETRY_AFTER)
    return min(FIRST_RATE * (1 << min(strikes - 1, 10)), LONGEST_RATE)


def _reset(quota: Quota | None, now: datetime) -> datetime:
    resets_at = quota.resets_at if quota is not None else None
    return resets_at if resets_at is not None and resets_at > now else now + UNKNOWN_RESET


def _next_midnight(now: datetime) -> datetime:
    day = now.astimezone(UTC).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _changed(cooldown: Cooldown, until: datetime, units_left: float | None) -> Cooldown:
    return replace(cooldown, until=until, units_left=units_left)
