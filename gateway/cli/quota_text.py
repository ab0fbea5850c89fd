"""Quotas in words, for terminals and for `grep`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.cli.output import short_time

if TYPE_CHECKING:
    from gateway.web.quota_shapes import AmountObject, QuotaObject, QuotaOverview


def quota_fields(quota: "QuotaObject") -> Iterator[tuple[str, str]]:
    """Name and text of each part; what an account does not have is left out."""
    yield "Account", quota.account
    yield "Plan", quota.tier or "-"
    if quota.email:
        yield "E-mail", quota.email
    if quota.known:
        yield "Used", f"{amount(quota.total)} ({quota.total.percent_used:.1f} %)"
        yield "Left", f"{number(quota.total.remaining)}" + (" - used up" if quota.exhausted else "")
        yield "of the plan", amount(quota.base)
        if quota.trial.status:
            yield "of the trial", _trial(quota)
        for bonus in quota.bonuses:
            yield (
                "of a bonus",
                amount(bonus) + ("" if bonus.active else f", {bonus.status.lower()}"),
            )
        yield "Overage", _overage(quota)
    else:
        yield "Used", "the service tells no amounts"
    yield "Resets", _reset(quota)
    yield "As of", short_time(quota.fetched_at)


def overview_rows(overview: "QuotaOverview") -> Iterator[tuple[str, ...]]:
    """A row for each account, and one for all together where there are several."""
    for quota in overview.accounts:
        total = quota.total
        yield (
            quota.account,
            quota.tier or "-",
            number(total.used),
            number(total.limit),
            f"{total.percent_used:.1f} %",
            number(total.remaining) + (" (used up)" if quota.exhausted else ""),
            _day(quota.next_date_reset),
            short_time(quota.fetched_at),
        )
    for name in overview.unknown:
        yield (name, "-", "-", "-", "unknown", "-", "-", "-")
    if overview.account_count > 1:
        total = overview.total
        yield (
            "all",
            overview.level,
            number(total.used),
            number(total.limit),
            f"{total.percent_used:.1f} %",
            number(total.remaining),
            "-",
            "-",
        )


def amount(part: "AmountObject") -> str:
    """So many of so many."""
    return f"{number(part.used)} of {number(part.limit)}"


def number(value: float) -> str:
    """Two decimals, unless it is whole."""
    return f"{value:,.2f}".removesuffix(".00")


def _trial(quota: "QuotaObject") -> str:
    trial = quota.trial
    until = f", until {short_time(trial.expires_at)}" if trial.expires_at else ""
    if trial.status != "ACTIVE":
        return trial.status.lower() + until
    return amount(trial) + until


def _overage(quota: "QuotaObject") -> str:
    overage = quota.overage
    if not overage.enabled:
        return "off"
    cap = f" of {number(overage.cap)}" if overage.cap is not None else ""
    price = f", {overage.charges:.2f} {overage.currency}" if overage.charges else ""
    return f"{number(overage.used)}{cap}{price}"


def _reset(quota: "QuotaObject") -> str:
    days = quota.days_until_reset
    if quota.next_date_reset is None:
        return "-" if days is None else f"in {days} days"
    return f"{_day(quota.next_date_reset)} (in {days} day{'' if days == 1 else 's'})"


def _day(seconds: int | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}" if seconds is not None else "-"
