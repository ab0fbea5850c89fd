"""Orders for pages: how a sign-in ends without anybody pressing a button."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.simulator.signin.people import Way

Page = Literal["portal", "login", "authorize", "provider"]
"""The portal; the direct way of Google and GitHub; the authorize page of AWS's OIDC service; that
of the organisation's own identity provider."""

CallbackPath = Literal["/oauth/callback", "/signin/callback"]

_CAMEL = {"login_option": "loginOption", "issuer_url": "issuerUrl", "idc_region": "idcRegion"}


@dataclass(slots=True)
class Script:
    """How the next visits to a page end.

    Attributes:
        left: how many visits it still applies to; None: all of them.
        way: what is chosen at the portal.
        account: who signs in; None: somebody new.
        error: sent back instead of success, for example `access_denied`.
        path: of the portal's callback; None: the usual one.
        camel: whether the portal spells its own members in camelCase.
        query: members of the callback that come with these values, or for None not at all.
    """

    page: Page = "portal"
    left: int | None = 1
    way: Way = "google"
    account: str | None = None
    error: str | None = None
    error_description: str | None = None
    path: CallbackPath | None = None
    camel: bool = False
    query: Mapping[str, str | None] = field(default_factory=dict)

    def applied_to(self, callback: Mapping[str, str]) -> dict[str, str]:
        """The callback's members as this script wants them."""
        changed = {**callback, **self.query}
        return {
            _CAMEL.get(name, name) if self.camel else name: value
            for name, value in changed.items()
            if value is not None
        }


class Scripts:
    """The orders that wait; the oldest for a page is taken."""

    def __init__(self) -> None:
        self._waiting: list[Script] = []

    def add(self, script: Script) -> None:
        """Let one wait."""
        self._waiting.append(script)

    def clear(self) -> None:
        """Forget them all."""
        self._waiting.clear()

    def take(self, page: Page) -> Script | None:
        """What this visit follows, counted as used."""
        for script in self._waiting:
            if script.page == page and script.left != 0:
                if script.left is not None:
                    script.left -= 1
                return script
        return None
