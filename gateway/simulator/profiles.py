"""The profiles of an account: what its requests act as, each in one region."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gateway.simulator.accounts import AuthMethod, DemoAccount
from gateway.simulator.strict_json import JsonObject

ProfileStatus = Literal[
    "ACTIVE",
    "CREATING",
    "CREATE_FAILED",
    "UPDATING",
    "UPDATE_FAILED",
    "DELETING",
    "DELETE_FAILED",
]
WITH_PROFILES: frozenset[AuthMethod] = frozenset({"social", "idc", "external_idp"})
"""The sign-ins that may ask for their profiles, though they may turn out to have none."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One entry of ListAvailableProfiles."""

    arn: str
    name: str
    status: ProfileStatus = "ACTIVE"

    @property
    def region(self) -> str:
        """The region whose hosts serve it."""
        return self.arn.split(":")[3]

    def as_json(self) -> JsonObject:
        """The entry as the service gives it."""
        return {
            "arn": self.arn,
            "profileName": self.name,
            "status": self.status,
            "profileType": "Q_DEVELOPER",
        }


class Profiles:
    """Who has which. Each account has at first the one that it came with, or none."""

    def __init__(self) -> None:
        self._chosen: dict[str, tuple[Profile, ...]] = {}

    def clear(self) -> None:
        """Back to those that they came with."""
        self._chosen.clear()

    def give(self, account: DemoAccount, profiles: Iterable[Profile]) -> None:
        """Let an account have exactly these."""
        self._chosen[account.name] = tuple(profiles)

    def of(self, account: DemoAccount, region: str | None = None) -> tuple[Profile, ...]:
        """The profiles that a region's host knows; without a region, all of them."""
        own = self._chosen.get(account.name)
        if own is None:
            arn = account.profile_arn
            own = (Profile(arn, f"simulated-{account.name}"),) if arn else ()
        return tuple(profile for profile in own if region in (None, profile.region))

    def arns(self, account: DemoAccount, region: str | None = None) -> frozenset[str]:
        """What a request of this account may name as its profile there."""
        return frozenset(profile.arn for profile in self.of(account, region))
