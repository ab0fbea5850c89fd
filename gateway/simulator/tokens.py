"""Who a bearer token belongs to, and what a refresh token still buys."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.simulator.accounts import (
    TOKEN_SECONDS,
    DemoAccount,
    external_claims,
    unsigned_jwt,
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A new pair of tokens. The refresh token that bought it is spent."""

    account: DemoAccount
    access_token: str
    refresh_token: str
    expires_in: int


class TokenDesk:
    """Issues tokens, rotates refresh tokens and notices when a spent one comes back.

    `clock` gives seconds since 1970. New tokens follow from the seed, the account and how many it
    had before, so equal runs see equal tokens.
    """

    def __init__(
        self, accounts: Sequence[DemoAccount], *, seed: int, clock: Callable[[], float]
    ) -> None:
        self.accounts = {account.name: account for account in accounts}
        self.lifetime = TOKEN_SECONDS
        self._clock = clock
        self._key = f"tokens of {seed}".encode()
        self.reset()

    def reset(self) -> None:
        """Forget every refresh: only the first tokens are good again."""
        self.refreshes = dict.fromkeys(self.accounts, 0)
        self.reuses = dict.fromkeys(self.accounts, 0)
        self._spent: dict[str, DemoAccount] = {}
        self._api_keys = {a.api_key: a for a in self.accounts.values() if a.api_key}
        self._refresh = {a.refresh_token: a for a in self.accounts.values() if a.refresh_token}
        expires_at = self._clock() + self.lifetime
        self._access = {
            a.access_token: (a, expires_at) for a in self.accounts.values() if a.access_token
        }

    def holder(self, bearer: str) -> DemoAccount | None:
        """The account that may act with this bearer now."""
        if account := self._api_keys.get(bearer):
            return account
        entry = self._access.get(bearer)
        if entry is None or entry[1] <= self._clock():
            return None
        return entry[0]

    def owner_of_refresh_token(self, refresh_token: str) -> DemoAccount | None:
        """Whose refresh token this is or was."""
        return self._refresh.get(refresh_token) or self._spent.get(refresh_token)

    def exchange(self, refresh_token: str) -> Grant | None:
        """Spend a refresh token; None when it is unknown or already spent."""
        account = self._refresh.pop(refresh_token, None)
        if account is None:
            if reused := self._spent.get(refresh_token):
                self.reuses[reused.name] += 1
            return None
        self._spent[refresh_token] = account
        self.refreshes[account.name] += 1
        grant = self._issue(account)
        self._refresh[grant.refresh_token] = account
        self._access[grant.access_token] = (account, self._clock() + grant.expires_in)
        return grant

    def expire(self, account: str | None) -> int:
        """End every access token of one account, or of all; gives how many were still good."""
        now = self._clock()
        hit = [
            token
            for token, (holder, expires_at) in self._access.items()
            if expires_at > now and account in (None, holder.name)
        ]
        for token in hit:
            del self._access[token]
        return len(hit)

    def _issue(self, account: DemoAccount) -> Grant:
        serial = self.refreshes[account.name]
        if account.auth_method == "external_idp":
            access = unsigned_jwt(external_claims(account.name, serial))
        else:
            access = "aoa" + self._secret(f"access {account.name} {serial}")
        refresh = "aor" + self._secret(f"refresh {account.name} {serial}")
        return Grant(account, access, refresh, self.lifetime)

    def _secret(self, about: str) -> str:
        return hmac.new(self._key, about.encode(), hashlib.sha256).hexdigest()
