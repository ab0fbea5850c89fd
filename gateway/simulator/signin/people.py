"""Who signs in: somebody known by name, or somebody new with a profile and a quota of their own."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from gateway.simulator.accounts import AuthMethod, DemoAccount, Subscription, arn, profile_id
from gateway.simulator.signin.provider import PROVIDER_CLIENT_ID, PROVIDER_SCOPES

Way = Literal["google", "github", "builderid", "awsidc", "external_idp"]
"""What a person chooses at the portal; `login_option` of its callback."""

METHODS: Mapping[Way, AuthMethod] = {
    "google": "social",
    "github": "social",
    "builderid": "builder_id",
    "awsidc": "idc",
    "external_idp": "external_idp",
}
BUILDER_START_URL = "https://view.awsapps.com/start"
BUILDER_REGION = "us-east-1"
ORGANISATION_START_URL = "https://simulated-org.awsapps.com/start"
ORGANISATION_REGION = "eu-west-1"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUBSCRIPTIONS: Mapping[AuthMethod, Subscription] = {"builder_id": "free", "idc": "power"}
_PROFILE_REGIONS: Mapping[AuthMethod, str] = {
    "social": "us-east-1",
    "idc": "eu-central-1",
    "external_idp": "us-east-1",
}


class WrongPerson(ValueError):
    """Nobody can sign in under this name in this way."""


class People:
    """Everybody who can sign in, by name.

    A name that nobody has makes a new person. New ones without a wish are called `google-1`,
    `google-2` and so on, so equal runs see equal names.
    """

    def __init__(
        self, known: Mapping[str, DemoAccount], enrol: Callable[[DemoAccount], None]
    ) -> None:
        self._known = known
        self._enrol = enrol
        self._newcomers: Counter[str] = Counter()

    def reset(self) -> None:
        """Count newcomers from the start."""
        self._newcomers.clear()

    def next_name(self, way: str) -> str:
        """What the next person without a name will be called."""
        base = way.replace("_", "-")
        number = self._newcomers[way] + 1
        while f"{base}-{number}" in self._known:
            number += 1
        return f"{base}-{number}"

    def get(
        self, way: Way, name: str | None, subscription: Subscription | None = None
    ) -> DemoAccount:
        """The person of this name, or somebody new, with this subscription or the usual one.

        Raises:
            WrongPerson: the name is taken by somebody who signs in otherwise, or is no name.
        """
        method = METHODS[way]
        if name is None:
            name = self.next_name(way)
            self._newcomers[way] += 1
        if person := self._known.get(name):
            if person.auth_method != method:
                raise WrongPerson(f"{name} signs in by {person.auth_method}, not by {method}")
            return person
        if not _NAME.fullmatch(name):
            raise WrongPerson("a name has 1 to 64 of A-Za-z0-9._-")
        person = newcomer(method, name, subscription or _SUBSCRIPTIONS.get(method, "pro"))
        self._enrol(person)
        return person


def newcomer(method: AuthMethod, name: str, subscription: Subscription) -> DemoAccount:
    """Somebody who has not signed in yet: no tokens, but a subscription and maybe a profile."""
    person = DemoAccount(
        name=name,
        auth_method=method,
        subscription=subscription,
        email=f"{name}@example.com",
    )
    if region := _PROFILE_REGIONS.get(method):
        person = replace(person, profile_arn=arn(region, profile_id(name)))
    if method == "external_idp":
        person = replace(person, client_id=PROVIDER_CLIENT_ID, scopes=PROVIDER_SCOPES)
    return person
