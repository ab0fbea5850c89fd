"""Who a bearer token belongs to, and what a refresh token still buys."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.simulator.accounts import (
    TOKEN_SECONDS,
    DemoAccount,
    external_claims,
    unsigned_jwt,
)


@dataclass(slots=True)
class Family:
    """All tokens of one sign-in.

    Attributes:
        client_id: the registered client that alone may renew them; None: no client is asked for.
        usable: whether the service accepts the access tokens: they are for it, and for enough.
        revoked: a spent refresh token came back, so that none of them renews anything any more.
    """

    account: DemoAccount
    client_id: str | None = None
    usable: bool = True
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """New tokens. Without a refresh token the sign-in ends with the access token."""

    family: Family
    access_token: str
    refresh_token: str | None
    expires_in: int

    @property
    def account(self) -> DemoAccount:
        """Whose they are."""
        return self.family.account


class TokenDesk:
    """Issues tokens, rotates refresh tokens and notices when a spent one comes back.

    `clock` gives seconds since 1970. New tokens follow from the seed, the account and how many it
    had before, so equal runs see equal tokens.
    """

    def __init__(
        self, accounts: Sequence[DemoAccount], *, seed: int, clock: Callable[[], float]
    ) -> None:
        self._first = tuple(accounts)
        self.accounts: dict[str, DemoAccount] = {}
        self._clock = clock
        self._key = f"tokens of {seed}".encode()
        self.lifetime = TOKEN_SECONDS
        self.reset()

    def reset(self) -> None:
        """Forget every refresh and sign-in: only the first accounts and tokens are good again."""
        self.accounts.clear()
        self.refreshes: Counter[str] = Counter()
        self.reuses: Counter[str] = Counter()
        self._issued: Counter[str] = Counter()
        self._api_keys: dict[str, DemoAccount] = {}
        self._access: dict[str, tuple[DemoAccount, float]] = {}
        self._refresh: dict[str, Family] = {}
        self._spent: dict[str, Family] = {}
        expires_at = self._clock() + self.lifetime
        for account in self._first:
            self.enrol(account)
            if account.api_key:
                self._api_keys[account.api_key] = account
            if account.access_token:
                self._access[account.access_token] = (account, expires_at)
            if account.refresh_token:
                self._refresh[account.refresh_token] = Family(account, account.client_id)

    def enrol(self, account: DemoAccount) -> None:
        """Know one more account; it has no tokens yet."""
        self.accounts[account.name] = account
        # Counted from zero, so that who looks finds it.
        self.refreshes[account.name] = self.reuses[account.name] = 0

    def holder(self, bearer: str) -> DemoAccount | None:
        """The account that may act with this bearer now."""
        if account := self._api_keys.get(bearer):
            return account
        entry = self._access.get(bearer)
        if entry is None or entry[1] <= self._clock():
            return None
        return entry[0]

    def family_of(self, refresh_token: str) -> Family | None:
        """Which sign-in this refresh token belongs to, spent or not."""
        return self._refresh.get(refresh_token) or self._spent.get(refresh_token)

    def sign_in(
        self,
        account: DemoAccount,
        client_id: str | None = None,
        *,
        renewable: bool = True,
        usable: bool = True,
    ) -> Grant:
        """The first tokens of a new sign-in.

        Args:
            account: who signed in.
            client_id: the client that alone may renew them; None: any may.
            renewable: whether there is a refresh token.
            usable: whether the service will accept the access tokens.
        """
        family = Family(account, client_id, usable=usable)
        return self._issue(family, renewable=renewable, usable=usable)

    def exchange(
        self, refresh_token: str, *, rotate: bool = True, usable: bool = True
    ) -> Grant | None:
        """Spend a refresh token; None when it is unknown, already spent or revoked.

        Args:
            refresh_token: one that came back a second time revokes its whole family.
            rotate: whether a new one comes for it; otherwise it stays good.
            usable: whether the service will accept the access token, if it does the others.
        """
        family = self._refresh.get(refresh_token)
        if family is None or family.revoked:
            if reused := self._spent.get(refresh_token):
                self.reuses[reused.account.name] += 1
                reused.revoked = True
            return None
        if rotate:
            self._spent[refresh_token] = self._refresh.pop(refresh_token)
        self.refreshes[family.account.name] += 1
        return self._issue(family, renewable=rotate, usable=usable and family.usable)

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

    def _issue(self, family: Family, *, renewable: bool, usable: bool) -> Grant:
        account = family.account
        self._issued[account.name] += 1
        serial = self._issued[account.name]
        if account.auth_method == "external_idp":
            access = unsigned_jwt(external_claims(account.name, serial, usable=usable))
        else:
            access = "aoa" + self._secret(f"access {account.name} {serial}")
        if usable:
            self._access[access] = (account, self._clock() + self.lifetime)
        refresh = None
        if renewable:
            # Real ones are long, and programs take short ones for mutilated.
            halves = (self._secret(f"{half} {account.name} {serial}") for half in ("re", "fresh"))
            refresh = "aor" + "".join(halves)
            self._refresh[refresh] = family
        return Grant(family, access, refresh, self.lifetime)

    def _secret(self, about: str) -> str:
        return hmac.new(self._key, about.encode(), hashlib.sha256).hexdigest()
