"""Finding the profile ARN of an account that upstream refuses for want of it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.accounts.directory import Directory
from gateway.errors import ProfileRejected
from gateway.store.accounts import Account, set_profile_arn
from gateway.store.database import Database
from gateway.upstream.client import KiroService
from gateway.upstream.profiles import list_profiles


@dataclass(frozen=True, slots=True)
class ProfileRepair:
    """Looks an account's profile up and stores it."""

    database: Database
    directory: Directory
    service: KiroService

    async def __call__(self, account: Account) -> Account:
        """The account with the profile that its sign-in has.

        Raises:
            UpstreamError: the profiles cannot be listed.
            ProfileRejected: there is none, several, or only the one that was just refused.
        """
        arns = await list_profiles(self.service, account)
        if len(arns) != 1:
            found = "no profile" if not arns else f"{len(arns)} profiles"
            raise ProfileRejected(
                f'Kiro wants a profile for account "{account.name}", and its sign-in has {found}. '
                + (
                    "Ask the organisation's administrator to assign a subscription."
                    if not arns
                    else "Sign the account in again and choose one."
                )
            )
        if arns[0] == account.profile_arn:
            raise ProfileRejected(f'Kiro refuses the profile of account "{account.name}".')
        async with self.database.begin() as db:
            await set_profile_arn(db, account.id, arns[0], now=datetime.now(UTC))
        await self.directory.reload()
        return replace(account, profile_arn=arns[0])
