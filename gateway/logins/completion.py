"""The end of every sign-in: which profile it uses, and storing it in the account's place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import anyio
import structlog

from gateway.accounts.directory import Directory
from gateway.accounts.profiles import ORGANISATIONS
from gateway.errors import Conflict, GatewayError, InvalidRequest, NotFound, StoreError
from gateway.logins.login import Login
from gateway.logins.timing import LoginTiming
from gateway.store.accounts import Account, find_account, save_credentials
from gateway.store.database import Database
from gateway.upstream.client import KiroService
from gateway.upstream.profiles import Profile, list_profiles
from gateway.upstream.signin.callback import Callback
from gateway.upstream.signin.issued import SignedIn, SignInFailed

ATTEMPTS = 3  # at a service or database that fails in passing
HOW = {
    "social": "Google or GitHub",
    "builder_id": "Builder ID",
    "idc": "IAM Identity Center",
    "external_idp": "the organisation's identity provider",
    "api_key": "a Kiro API key",
}

log = structlog.get_logger("gateway.logins")


@dataclass(frozen=True, slots=True)
class Completion:
    """Finishes sign-ins. `on_stored` is told the account's id, once others may use it."""

    database: Database
    directory: Directory
    service: KiroService
    timing: LoginTiming
    on_stored: Callable[[str], None]

    async def account(self, login: Login) -> Account:
        """The account as it is stored now.

        Raises:
            SignInFailed: it was removed.
        """
        async with self.database.connect() as db:
            account = await find_account(db, self.database.secrets, login.account_id)
        if account is None or account.id != login.account_id:
            raise account_removed()
        return account

    async def __call__(self, login: Login, signed_in: SignedIn) -> None:
        """Find the profile, asking which one if there are several, and store the sign-in.

        Until it is stored nobody uses it, and the account keeps what it had.

        Raises:
            SignInFailed: there is no profile, or no account any more.
            GatewayError: it could not be stored.
        """
        self._finishing(login)
        note = ""
        if signed_in.auth_method in ORGANISATIONS:
            signed_in, note = await self._with_profile(login, signed_in)
            self._finishing(login)
        await self._store(login, signed_in)
        account = await self.account(login)
        message = f'Account "{account.name}" is signed in with {HOW[signed_in.auth_method]}.'
        login.finish("completed", message + note, now=self.timing.clock())

    def _finishing(self, login: Login) -> None:
        until = self.timing.clock() + timedelta(seconds=self.timing.finishing)
        login.enter("finishing", until=until)

    async def _with_profile(self, login: Login, signed_in: SignedIn) -> tuple[SignedIn, str]:
        account = await self.account(login)
        try:
            profiles = await self._profiles(account, signed_in)
        except GatewayError as exc:
            if exc.retry == "back_off":
                # The sign-in itself is good; it would be a pity to have it done again for this.
                log.warning("profiles not listed", account=account.name, reason=str(exc))
                return signed_in, (
                    " Its profile could not be looked up just now; that is done with the first "
                    "request."
                )
            raise SignInFailed(
                f"Kiro does not tell the profiles of this sign-in: {exc} Nothing was stored.",
                why="no_profile",
            ) from exc
        if not profiles:
            raise SignInFailed(
                "This sign-in has no Kiro profile, so it can use nothing; nothing was stored. Ask "
                "the organisation's administrator to assign a subscription to it.",
                why="no_profile",
            )
        chosen = profiles[0]
        if len(profiles) > 1:
            chosen = await self._ask_which(login, profiles, account.profile_arn)
        return replace(signed_in, profile_arn=chosen.arn), f' It uses the profile "{chosen.name}".'

    async def _profiles(self, account: Account, signed_in: SignedIn) -> tuple[Profile, ...]:
        asking = replace(
            account,
            credentials=signed_in.credentials,
            auth_method=signed_in.auth_method,
            profile_arn=None,
        )
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await list_profiles(self.service, asking)
            except GatewayError as exc:
                if exc.retry != "back_off" or attempt == ATTEMPTS:
                    raise
                await self.timing.sleep(self.timing.pause)
        raise AssertionError("the last attempt returns or raises")

    async def _ask_which(
        self, login: Login, profiles: tuple[Profile, ...], current: str | None
    ) -> Profile:
        until = self.timing.clock() + timedelta(seconds=self.timing.step)
        login.enter("profile", until=until, message="Choose the profile that the account uses.")
        login.show_profiles(profiles, current)
        while True:
            offer = await login.next_offer()
            try:
                if isinstance(offer.answer, Callback):
                    raise Conflict("The sign-in waits for a profile to be chosen, no address.")
                chosen = choose_profile(profiles, offer.answer)
            except GatewayError as exc:
                offer.refuse(exc)
            else:
                # Whoever asks next must not be told to choose again.
                self._finishing(login)
                offer.accept()
                return chosen

    async def _store(self, login: Login, signed_in: SignedIn) -> None:
        # Between here and the commit a cancellation could not say which of the two happened.
        login.storing = True
        try:
            with anyio.CancelScope(shield=True):
                for attempt in range(1, ATTEMPTS + 1):
                    try:
                        await self._save(login.account_id, signed_in)
                        break
                    except NotFound:
                        raise account_removed() from None
                    except StoreError:
                        if attempt == ATTEMPTS:
                            raise
                        await self.timing.sleep(self.timing.pause)
                self.on_stored(login.account_id)
        finally:
            login.storing = False

    async def _save(self, account_id: str, signed_in: SignedIn) -> None:
        async with self.database.begin(durable=True) as db:
            await save_credentials(
                db,
                self.database.secrets,
                account_id,
                signed_in.credentials,
                auth_method=signed_in.auth_method,
                auth_region=signed_in.auth_region,
                profile_arn=signed_in.profile_arn,
                expected_generation=None,
                now=self.timing.clock(),
            )
        await self.directory.reload()


def choose_profile(profiles: tuple[Profile, ...], wanted: str) -> Profile:
    """The profile of this ARN or, if only one has it, this name.

    Raises:
        InvalidRequest: there is none, or several have the name.
    """
    wanted = wanted.strip()
    found = [profile for profile in profiles if profile.arn == wanted]
    found = found or [profile for profile in profiles if profile.name == wanted]
    if len(found) == 1:
        return found[0]
    offered = ", ".join(f"{profile.name} ({profile.arn})" for profile in profiles)
    problem = "Several profiles have this name; give the ARN" if found else "No such profile"
    raise InvalidRequest(f"{problem}. There are: {offered}.")


def account_removed() -> SignInFailed:
    """How a sign-in ends whose account is gone."""
    return SignInFailed(
        "The account was removed while its sign-in was going on; nothing was stored.",
        why="account_removed",
    )
