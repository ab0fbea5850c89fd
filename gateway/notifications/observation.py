"""What is known of accounts and keys at one moment, as far as notifications are about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gateway.accounts.health_states import WhySignIn
from gateway.kiro.quota import Amount, total_of

Condition = Literal["fine", "unclear", "login_needed", "suspended", "exhausted"]
"""`unclear` is trouble that may pass by itself: it is neither told nor taken for a recovery."""

Trouble = Literal["login_needed", "suspended", "exhausted"]
TROUBLES: tuple[Trouble, ...] = ("login_needed", "suspended", "exhausted")

KeyLimit = Literal["tokens_per_day", "credits_per_month"]
"""The limits of a key that take long to be free again; the others come and go by the minute."""

# For so long after a reset new figures are expected; an account that cannot be asked has none.
AWAITED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account.

    `figures` are what the service said of its quota last, whenever that was; None: nothing yet, or
    no amounts. `condition` may have a `reason` in a sentence, and be over by itself at `until`;
    `why` is the reason for a sign-in as a word, for languages other than that of the sentence.
    `key_names` are the enabled API keys that may use the account.
    """

    id: str
    name: str
    enabled: bool = True
    figures: Amount | None = None
    resets_at: datetime | None = None
    condition: Condition = "fine"
    reason: str = ""
    why: WhySignIn | None = None
    until: datetime | None = None
    key_names: tuple[str, ...] = ()

    def amount(self, now: datetime) -> Amount | None:
        """The figures, if they are of the running period and there is a limit to speak of."""
        if self.figures is None or self.figures.limit <= 0 or self._is_over(now):
            return None
        return self.figures

    def awaits_figures(self, now: datetime) -> bool:
        """Whether its quota has just begun anew and nobody has asked for it since."""
        return (
            self.figures is not None
            and self.resets_at is not None
            and self._is_over(now)
            and now - self.resets_at < AWAITED
            and self.condition in {"fine", "unclear", "exhausted"}
        )

    def _is_over(self, now: datetime) -> bool:
        return self.resets_at is not None and self.resets_at <= now


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How one limit of an enabled API key stands; what running requests have reserved is left out.

    `resets_at` is the end of a calendar period; None for windows that roll.
    """

    key_id: str
    key_name: str
    limit: KeyLimit
    used: float
    allowed: float
    resets_at: datetime | None = None

    @property
    def subject(self) -> str:
        """What its mark is kept under."""
        return f"{self.key_id}/{self.limit}"

    @property
    def amount(self) -> Amount:
        """The same as an amount."""
        return Amount(self.used, self.allowed)


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything at one moment; `accounts` and `keys` are all there are."""

    at: datetime
    accounts: tuple[AccountView, ...] = ()
    keys: tuple[KeyUse, ...] = ()

    @property
    def counted(self) -> tuple[AccountView, ...]:
        """The enabled accounts whose quota is known now."""
        return tuple(
            account
            for account in self.accounts
            if account.enabled and account.amount(self.at) is not None
        )

    @property
    def total(self) -> Amount | None:
        """All counted accounts together.

        None when there is none, or while one of them has just begun anew: without its fresh
        figures the sum of the others would look like a jump.
        """
        if any(one.enabled and one.awaits_figures(self.at) for one in self.accounts):
            return None
        amounts = [one.amount(self.at) for one in self.counted]
        return total_of(amount for amount in amounts if amount is not None) if amounts else None

    @property
    def total_resets_at(self) -> datetime | None:
        """The last reset among the counted accounts."""
        return max((one.resets_at for one in self.counted if one.resets_at), default=None)
