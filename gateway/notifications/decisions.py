"""What one channel is to be told now, from what it was told before and what is known.

A notice carries the marks to set once it is delivered, so that whatever does not arrive is decided
anew at the next look. Notices of one look are independent of each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from gateway.notifications.notices import (
    AccountsInTrouble,
    DailySummary,
    KeysNearLimit,
    Notice,
    QuotaReached,
    ReachedAccount,
)
from gateway.notifications.observation import TROUBLES, AccountView, Observation
from gateway.notifications.thresholds import UNMARKED, Mark, reached, rearmed

# Percent of a key's limit. Limits are hard, and a request is refused that needs more than is left:
# at 90 a key may already be of no use.
KEY_THRESHOLDS = (80, 100)
# An account has to have been fine for so long before the same trouble is news again.
SETTLED = timedelta(minutes=15)


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A trouble that was told; `fine_since`: when the account was first seen without it."""

    fine_since: datetime | None = None


class ChannelState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a channel has been told. Accounts and keys by id, so that names can change.

    `summary_of` is the time of day, as UTC, of the last summary; earlier ones are done with.
    """

    total: Mark = UNMARKED
    accounts: Mapping[str, Mark] = {}
    troubles: Mapping[str, Told] = {}
    keys: Mapping[str, Mark] = {}
    summary_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What delivering a notice adds to a channel's state."""

    total: Mark | None = None
    accounts: Mapping[str, Mark] = field(default_factory=dict)
    troubles: Mapping[str, Told] = field(default_factory=dict)
    keys: Mapping[str, Mark] = field(default_factory=dict)
    summary_of: datetime | None = None

    def applied_to(self, state: ChannelState) -> ChannelState:
        """The state after the delivery."""
        return ChannelState(
            total=self.total or state.total,
            accounts={**state.accounts, **self.accounts},
            troubles={**state.troubles, **self.troubles},
            keys={**state.keys, **self.keys},
            summary_of=self.summary_of or state.summary_of,
        )


@dataclass(frozen=True, slots=True)
class Due:
    """A notice to send, and what to remember once it has arrived."""

    notice: Notice
    changes: Changes


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Percentages of the settings."""

    account: tuple[int, ...]
    total: tuple[int, ...]


def decide(
    state: ChannelState,
    seen: Observation,
    thresholds: Thresholds,
    *,
    summary_due: datetime | None,
) -> tuple[ChannelState, tuple[Due, ...]]:
    """The state with everything armed again that should be, and what to send.

    The state is to be kept whether or not anything is sent; what it holds of accounts and keys that
    are gone is left out. `summary_due` is the time of day whose summary is due.
    """
    state = _rearmed(state, seen, thresholds)
    found = (
        _quotas(state, seen, thresholds),
        _troubles(state, seen, thresholds),
        _keys(state, seen),
        _summary(seen, summary_due),
    )
    return state, tuple(due for due in found if due is not None)


def _rearmed(state: ChannelState, seen: Observation, thresholds: Thresholds) -> ChannelState:
    total = state.total
    if (amount := seen.total) is not None:
        total = rearmed(
            total,
            amount.percent_used,
            thresholds.total,
            resets_at=seen.total_resets_at,
            now=seen.at,
        )
    return ChannelState(
        total=total,
        accounts={
            one.id: _account_mark(state.accounts.get(one.id, UNMARKED), one, seen.at, thresholds)
            for one in seen.accounts
        },
        troubles={
            subject: told
            for one in seen.accounts
            for subject, told in _remembered_troubles(state, one, seen.at, thresholds)
        },
        keys={
            use.subject: rearmed(
                state.keys.get(use.subject, UNMARKED),
                use.amount.percent_used,
                KEY_THRESHOLDS,
                resets_at=use.resets_at,
                now=seen.at,
            )
            for use in seen.keys
        },
        summary_of=state.summary_of,
    )


def _account_mark(mark: Mark, account: AccountView, now: datetime, thresholds: Thresholds) -> Mark:
    if (amount := account.amount(now)) is None:
        return mark
    return rearmed(
        mark, amount.percent_used, thresholds.account, resets_at=account.resets_at, now=now
    )


def _remembered_troubles(
    state: ChannelState, account: AccountView, now: datetime, thresholds: Thresholds
) -> list[tuple[str, Told]]:
    kept: list[tuple[str, Told]] = []
    for trouble in TROUBLES:
        subject = _subject(account, trouble)
        told = state.troubles.get(subject)
        if trouble == account.condition == "exhausted" and (
            state.accounts.get(account.id, UNMARKED).level >= 100
            and _quota_says_so(account, now, thresholds)
        ):
            kept.append((subject, Told()))
        elif told is None:
            continue
        elif account.condition == "unclear" or not account.enabled:
            kept.append((subject, told))
        elif told.fine_since is not None and now - told.fine_since >= SETTLED:
            continue
        elif account.condition == trouble:
            kept.append((subject, Told()))
        else:
            kept.append((subject, Told(told.fine_since or now)))
    return kept


def _quotas(state: ChannelState, seen: Observation, thresholds: Thresholds) -> Due | None:
    found: list[ReachedAccount] = []
    marks: dict[str, Mark] = {}
    troubles: dict[str, Told] = {}
    for account in seen.counted:
        amount = account.amount(seen.at)
        assert amount is not None, "it would not be counted"
        mark = state.accounts[account.id]
        threshold = reached(mark, amount.percent_used, thresholds.account)
        if threshold is None:
            continue
        found.append(ReachedAccount(account, amount, threshold))
        marks[account.id] = Mark(threshold, mark.period_ends)
        if threshold >= 100 and account.condition == "exhausted":
            troubles[_subject(account, "exhausted")] = Told()  # the same message says so
    total, level = seen.total, None
    if total is not None:
        level = reached(state.total, total.percent_used, thresholds.total)
    if not found and level is None:
        return None
    return Due(
        QuotaReached(
            accounts=tuple(sorted(found, key=lambda one: -one.amount.percent_used)),
            total=total,
            total_threshold=level,
            counted=len(seen.counted),
        ),
        Changes(
            total=None if level is None else Mark(level, state.total.period_ends),
            accounts=marks,
            troubles=troubles,
        ),
    )


def _troubles(state: ChannelState, seen: Observation, thresholds: Thresholds) -> Due | None:
    found = tuple(
        one
        for one in seen.accounts
        if one.enabled
        and one.condition in TROUBLES
        and _subject(one, one.condition) not in state.troubles
        and not (one.condition == "exhausted" and _quota_says_so(one, seen.at, thresholds))
    )
    if not found:
        return None
    told = {_subject(one, one.condition): Told() for one in found}
    return Due(AccountsInTrouble(found), Changes(troubles=told))


def _quota_says_so(account: AccountView, now: datetime, thresholds: Thresholds) -> bool:
    """Whether the message about its quota tells that it is used up, now or before."""
    amount = account.amount(now)
    return amount is not None and any(
        100 <= one <= amount.percent_used for one in thresholds.account
    )


def _keys(state: ChannelState, seen: Observation) -> Due | None:
    found = [
        (use, threshold)
        for use in seen.keys
        if (threshold := reached(state.keys[use.subject], use.amount.percent_used, KEY_THRESHOLDS))
        is not None
    ]
    if not found:
        return None
    found.sort(key=lambda one: -one[0].amount.percent_used)
    marks = {
        use.subject: Mark(threshold, state.keys[use.subject].period_ends)
        for use, threshold in found
    }
    return Due(KeysNearLimit(tuple(found)), Changes(keys=marks))


def _summary(seen: Observation, due_at: datetime | None) -> Due | None:
    # Without figures there is nothing to report: it stays due until there are, or it is too late.
    if due_at is None or not seen.counted:
        return None

    def percent(account: AccountView) -> float:
        amount = account.amount(seen.at)
        return -1.0 if amount is None else amount.percent_used

    accounts = sorted((one for one in seen.accounts if one.enabled), key=lambda one: -percent(one))
    return Due(
        DailySummary(due_at, seen.at, tuple(accounts), seen.total), Changes(summary_of=due_at)
    )


def _subject(account: AccountView, trouble: str) -> str:
    return f"{account.id}/{trouble}"
