"""A notice in words: a title and lines of plain text, for whichever channel."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from gateway.kiro.quota import Amount
from gateway.notifications.notices import (
    AccountsInTrouble,
    DailySummary,
    KeysNearLimit,
    Notice,
    QuotaReached,
    ReachedAccount,
    Trial,
)
from gateway.notifications.observation import AccountView, KeyUse
from gateway.notifications.texts import Texts

# Teams refuses messages beyond 28 KB, and escaped a character may take five bytes.
MAX_LISTED = 4000  # characters of a list of accounts or keys
MAX_NAMES = 10
# Names of API keys may be any text.
MAX_NAME = 60
MAX_REASON = 300
CELLS = 10


@dataclass(frozen=True, slots=True)
class Message:
    """What a person reads. Plain text throughout: each channel escapes it in its own way."""

    title: str
    lines: tuple[str, ...]


def compose(notice: Notice, texts: Texts, zone: tzinfo | None) -> Message:
    """Write a notice; its dates are those of `zone`, None being this machine's."""
    words = _Words(texts, zone)
    match notice:
        case QuotaReached():
            title = texts.quota_title if notice.accounts else texts.quota_total_title
            return Message(title, tuple(words.quota(notice)))
        case DailySummary():
            due = notice.due_at.astimezone(zone)
            title = texts.daily_title.format(date=f"{due:%Y-%m-%d}", time=f"{due:%H:%M}")
            return Message(title, tuple(words.summary(notice)))
        case AccountsInTrouble():
            return Message(texts.trouble_title, tuple(words.troubles(notice)))
        case KeysNearLimit():
            return Message(texts.keys_title, tuple(words.keys(notice)))
        case Trial():
            return Message(texts.test_title, (texts.test_text,))


def number(value: float) -> str:
    """A whole number where it is one but for rounding, else two decimals; `1,234.50`."""
    whole = round(value)
    return f"{whole:,}" if abs(value - whole) < 0.005 else f"{value:,.2f}"


def percentage(value: float) -> str:
    """One decimal, never rounded up: 99.96 is not 100 yet."""
    return f"{math.floor(value * 10 + 1e-6) / 10:.1f}"


def bar(percent: float) -> str:
    """Ten cells; the last one only at 100."""
    filled = min(CELLS, max(0, int(percent * CELLS / 100 + 1e-9)))
    return "▰" * filled + "▱" * (CELLS - filled)


@dataclass(frozen=True, slots=True)
class _Words:
    texts: Texts
    zone: tzinfo | None

    def quota(self, notice: QuotaReached) -> Iterator[str]:
        texts = self.texts
        if notice.total is not None:
            yield self._total(notice.total, notice.counted)
        if notice.total_threshold is not None:
            yield texts.quota_total_reached.format(threshold=notice.total_threshold)
        if notice.accounts:
            yield texts.quota_accounts.format(reached=len(notice.accounts), counted=notice.counted)
        yield from self._list(self._reached(one) for one in notice.accounts)

    def summary(self, notice: DailySummary) -> Iterator[str]:
        amounts = [one.amount(notice.seen_at) for one in notice.accounts]
        if notice.total is not None:
            yield self._total(notice.total, sum(amount is not None for amount in amounts))
        yield from self._list(map(self._summed_up, notice.accounts, amounts))

    def troubles(self, notice: AccountsInTrouble) -> Iterator[str]:
        yield from self._list(
            (
                *self._trouble(account),
                *self._reason(account),
                *self._used_by(account.key_names),
            )
            for account in notice.accounts
        )

    def keys(self, notice: KeysNearLimit) -> Iterator[str]:
        yield from self._list((self._key(use, threshold),) for use, threshold in notice.keys)

    def _reached(self, one: ReachedAccount) -> tuple[str, ...]:
        texts = self.texts
        line = texts.quota_account.format(
            **self._amount(one.amount),
            name=one.account.name,
            threshold=one.threshold,
            resets=self._resets(one.account.resets_at),
            advice=texts.quota_switch if one.threshold >= 100 else texts.quota_watch,
        )
        return (line, *self._used_by(one.account.key_names))

    def _summed_up(self, account: AccountView, amount: Amount | None) -> tuple[str, ...]:
        if amount is None:
            line = self.texts.daily_unknown.format(name=account.name)
        else:
            line = self.texts.daily_account.format(
                **self._amount(amount),
                name=account.name,
                resets=self._resets(account.resets_at),
            )
        return (line, *self._trouble(account))

    def _key(self, use: KeyUse, threshold: int) -> str:
        texts = self.texts
        limits = {
            "tokens_per_day": texts.tokens_per_day,
            "credits_per_month": texts.credits_per_month,
        }
        return (texts.key_used_up if threshold >= 100 else texts.key_near).format(
            name=cut(use.key_name, MAX_NAME),
            percent=percentage(use.amount.percent_used),
            limit=limits[use.limit],
            used=number(use.used),
            allowed=number(use.allowed),
            resets=self._resets(use.resets_at),
        )

    def _trouble(self, account: AccountView) -> Iterator[str]:
        match account.condition:
            case "login_needed":
                yield self.texts.trouble_login_needed.format(name=account.name)
            case "suspended":
                yield self.texts.trouble_suspended.format(name=account.name)
            case "exhausted":
                until = self._until(account.until)
                yield self.texts.trouble_exhausted.format(name=account.name, until=until)

    def _total(self, total: Amount, counted: int) -> str:
        return self.texts.quota_total.format(**self._amount(total), counted=counted)

    def _amount(self, amount: Amount) -> dict[str, str]:
        return {
            "bar": bar(amount.percent_used),
            "percent": percentage(amount.percent_used),
            "used": number(amount.used),
            "limit": number(amount.limit),
            "left": number(amount.remaining),
        }

    def _resets(self, at: datetime | None) -> str:
        if at is None:
            return ""
        return self.texts.resets.format(date=f"{at.astimezone(self.zone):%Y-%m-%d}")

    def _until(self, at: datetime | None) -> str:
        if at is None:
            return ""
        return self.texts.until.format(moment=f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}")

    def _used_by(self, names: Iterable[str]) -> Iterator[str]:
        if every := [cut(name, MAX_NAME) for name in names]:
            shown = [f"@{name}" for name in every[:MAX_NAMES]]
            if len(every) > MAX_NAMES:
                shown.append(self.texts.more.format(count=len(every) - MAX_NAMES))
            yield self.texts.used_by.format(names=self.texts.separator.join(shown))

    def _reason(self, account: AccountView) -> Iterator[str]:
        # Of the other troubles the line before says as much.
        if account.reason and account.condition == "login_needed":
            known = self.texts.reasons.get(account.why) if account.why is not None else None
            reason = known or cut(account.reason, MAX_REASON)
            yield self.texts.trouble_reason.format(reason=reason)

    def _list(self, entries: Iterable[tuple[str, ...]]) -> Iterator[str]:
        """The lines of as many entries as there is room for, and how many more there are."""
        room, left_out = MAX_LISTED, 0
        for lines in entries:
            room -= sum(map(len, lines))
            if room < 0:
                left_out += 1
            else:
                yield from lines
        if left_out:
            yield self.texts.more.format(count=left_out)


def cut(text: str, longest: int) -> str:
    """One line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
