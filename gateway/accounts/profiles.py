"""Finding the profile of an account that needs one and was signed in without."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from gateway.accounts.calls import AccountSource, refreshed
from gateway.accounts.directory import Directory
from gateway.errors import AccountSignInFailed, InvalidRequest, NotFound, ProfileRejected
from gateway.store.accounts import Account, set_profile_arn, update_account
from gateway.store.database import Database
from gateway.upstream.client import KiroService
from gateway.upstream.profiles import Profile, list_profiles

log = structlog.get_logger("gateway.accounts")


# Whose profiles the service lists. Social sign-ins bring theirs, Builder IDs and API keys do
# without, and all of them are refused the list.
ORGANISATIONS = frozenset({"idc", "external_idp"})


def misses_profile(account: Account) -> bool:
    """Whether it should have a profile and has none."""
    return account.auth_method in ORGANISATIONS and not account.profile_arn


@dataclass(frozen=True, slots=True)
class Profiles:
    """Looks profiles up and stores the only one there is."""

    database: Database
    directory: Directory
    service: KiroService
    accounts: AccountSource

    async def available(self, account_id: str) -> tuple[Profile, ...]:
        """The profiles that an account may use, by name.

        Raises:
            GatewayError: the account cannot be used, or the service does not answer.
        """
        account = await self.accounts.get(account_id)
        if account.auth_method not in ORGANISATIONS:
            return (Profile(account.profile_arn, ""),) if account.profile_arn else ()
        try:
            return await list_profiles(self.service, account)
        except AccountSignInFailed as exc:
            return await list_profiles(self.service, await refreshed(self.accounts, account, exc))

    async def discover(self, account: Account) -> Account:
        """The account with its profile, where it misses one and there is exactly one.

        Raises:
            ProfileRejected: there is none, or there are several.
            GatewayError: as `available`.
        """
        if not misses_profile(account):
            return account
        only = _only(account, await self.available(account.id))
        log.info("profile found", account=account.name, region=only.region)
        return await self._store(account, only)

    async def choose(
        self, account: Account, wanted: str, available: Collection[Profile]
    ) -> Account:
        """The account with the profile of this name or ARN.

        Raises:
            InvalidRequest: there is none of `available`, or more than one.
        """
        found = [one for one in available if wanted in {one.arn, one.name}]
        if len(found) != 1:
            names = ", ".join(f'"{one.name or one.arn}"' for one in available) or "none"
            few = "is none" if not found else "are several"
            raise InvalidRequest(
                f'There {few} by that name among the profiles of account "{account.name}": {names}.'
                + (" Name one by its ARN." if found else "")
            )
        return await self._store(account, found[0])

    async def repair(self, account: Account) -> Account:
        """Another profile for an account whose own, or lack of one, the service has refused.

        Raises:
            UpstreamError: the profiles cannot be listed.
            ProfileRejected: there is none, several, or only the one that was just refused.
        """
        only = _only(account, await list_profiles(self.service, account))
        if only.arn == account.profile_arn:
            raise ProfileRejected(f'Kiro refuses the profile of account "{account.name}".')
        return await self._store(account, only)

    async def _store(self, account: Account, profile: Profile) -> Account:
        try:
            async with self.database.begin() as db:
                now = datetime.now(UTC)
                if account.profile_arn is None:
                    await set_profile_arn(db, account.id, profile.arn, now=now)
                else:  # what is known so far is of another profile
                    secrets = self.database.secrets
                    await update_account(db, secrets, account.id, profile_arn=profile.arn, now=now)
        except NotFound as exc:
            raise ProfileRejected("The Kiro account has been removed.") from exc
        await self.directory.reload()
        return replace(account, profile_arn=profile.arn)


def _only(account: Account, found: tuple[Profile, ...]) -> Profile:
    if not found:
        raise ProfileRejected(
            f'Kiro wants a profile for account "{account.name}", and its sign-in has none. '
            "Ask the organisation's administrator to assign a subscription."
        )
    if len(found) > 1:
        names = ", ".join(f'"{profile.name or profile.region}"' for profile in found)
        raise ProfileRejected(
            f'Kiro wants a profile for account "{account.name}", and its sign-in has '
            f"{len(found)} of them: {names}. Sign the account in again and choose one, or run "
            f"`kiro-gateway accounts profile {account.name}`."
        )
    return found[0]
