"""The states that an account can be in, and which one its rows tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from gateway.errors import WhyRejected
from gateway.store.accounts import Account
from gateway.store.cooldowns import Cooldown

State = Literal[
    "active",
    "cooling_down",
    "quota_exhausted",
    "failing",
    "forbidden",
    "misconfigured",
    "sign_in_required",
    "suspended",
    "not_signed_in",
    "disabled",
]
"""What an account can do. In the first two it serves, if not every model."""

WhySignIn = WhyRejected | Literal["token_refused", "signed_out"]
"""Why somebody has to sign in, as a word: no token can be had, or Kiro refuses the one there is."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a generation or a check ended: `outcome` is `answered` or the name of an error."""

    at: datetime
    outcome: str
    message: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """An account at one moment.

    Attributes:
        state: as a word.
        reason: what is wrong, fit to be shown; None when nothing is.
        why: the same as a word, where somebody has to sign in.
        advice: what to do about it; None when nothing has to be done.
        since: from when on; None when that is not known.
        until: when it passes by itself; None when it does not, or nobody knows.
        cooldowns: those that hold.
        last_result: how the last generation on this process ended.
        last_check: how the service last answered about the account's quota on this process.
        next_check_at: None when no check is planned.
    """

    state: State
    reason: str | None = None
    advice: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    cooldowns: tuple[Cooldown, ...] = ()
    last_result: Result | None = None
    last_check: Result | None = None
    next_check_at: datetime | None = None
    why: WhySignIn | None = None

    @property
    def healthy(self) -> bool:
        """Whether it serves."""
        return self.state in {"active", "cooling_down"}

    @property
    def is_in_order(self) -> bool:
        """Whether its answers can be counted on where no cool-down stands against asking it."""
        return self.state not in {"failing", "forbidden", "misconfigured", "sign_in_required"}

    @property
    def problem(self) -> str | None:
        """Reason and advice in one."""
        return " ".join(filter(None, (self.reason, self.advice))) or None


def holds(cooldown: Cooldown, account: Account, now: datetime) -> bool:
    """Whether a cool-down keeps the account, or a model of it, from serving."""
    if not cooldown.holds(now):
        return False
    if account.signed_in_at is not None and cooldown.since < account.signed_in_at:
        return False  # it was held against an earlier sign-in
    # Once the token is renewed, it is another one than was refused.
    return cooldown.kind != "sign_in" or account.generation <= cooldown.generation


def stored_health(account: Account, cooldowns: Iterable[Cooldown], *, now: datetime) -> Health:
    """What the database tells of an account; of the cool-downs its own count."""
    held = tuple(
        one for one in cooldowns if one.account_id == account.id and holds(one, account, now)
    )
    health = _state(account, held)
    return replace(health, cooldowns=held)


def _state(account: Account, held: Sequence[Cooldown]) -> Health:
    kinds = {one.kind: one for one in held}
    if (suspended := kinds.get("suspended")) is not None:
        return Health(
            "suspended",
            "Kiro has suspended it.",
            "Its owner has to settle that with Kiro's support; then enable it again.",
            since=suspended.since,
        )
    if not account.enabled:
        return Health("disabled", "It is disabled.", "Enable it to use it.")
    if account.credentials is None:
        return Health(
            "not_signed_in",
            "Nobody is signed in.",
            "Import a sign-in from this machine, or sign in.",
            why="signed_out",
        )
    if (sign_in := kinds.get("sign_in")) is not None:
        return Health(
            "sign_in_required",
            "Kiro refuses its token.",
            "Renew its token, or sign it in again.",
            since=sign_in.since,
            why="token_refused",
        )
    spent = kinds.get("exhausted") or kinds.get("daily")
    if spent is not None:
        return Health(
            "quota_exhausted",
            f"Its quota is used up{_until(spent)}.",
            "Use another account, or raise its plan.",
            since=spent.since,
            until=spent.until,
        )
    if held:
        models = ", ".join(sorted({one.model for one in held}))
        return Health(
            "cooling_down",
            f"It has had too many requests for {models}.",
            since=min(one.since for one in held),
            until=max((one.until for one in held if one.until), default=None),
        )
    return Health("active")


def _until(spent: Cooldown) -> str:
    if spent.kind == "daily":
        return " for today"
    return f" until {spent.until:%Y-%m-%d %H:%M} UTC" if spent.until is not None else ""
