"""What notifications are told of accounts by the parts that know."""

from typing import TYPE_CHECKING

from gateway.accounts.answers import AccountAnswers
from gateway.kiro.quota import Quota
from gateway.notifications.observation import Condition
from gateway.store.accounts import Account

if TYPE_CHECKING:
    from gateway.accounts.tokens import Tokens


class AccountConditions:
    """Tells what accounts can do, without asking the service."""

    def __init__(self, tokens: "Tokens", quotas: AccountAnswers[Quota]) -> None:
        self._tokens = tokens
        self._quotas = quotas

    def of(self, account: Account) -> tuple[Condition, str]:
        """The condition, and the reason in a sentence; "" when it is fine."""
        if account.credentials is None:
            # Until somebody has signed in, nobody has been signed out.
            if account.auth_method is None:
                return "fine", ""
            return "login_needed", "Nobody is signed in."
        if (trouble := self._tokens.trouble(account)) is not None:
            return ("login_needed" if self._tokens.is_refused(account) else "unclear"), trouble
        quota = self._quotas.peek(account.id)
        if quota is not None and quota.is_exhausted:
            return "exhausted", ""
        return "fine", ""
