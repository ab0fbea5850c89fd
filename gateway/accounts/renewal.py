"""Carrying out one renewal: wait for our turn, ask, store, publish.

Between two processes the database says whose turn it is. Who has to wait watches the store, and
takes over what the other one has stored.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import anyio.to_thread
import httpx
import structlog

from gateway.accounts.directory import Directory
from gateway.errors import InvalidRequest, StoreError, UpstreamError
from gateway.store.accounts import (
    Account,
    AuthMethod,
    Credentials,
    find_account,
    save_credentials,
)
from gateway.store.database import Database
from gateway.store.refresh_leases import (
    BEAT,
    end_lease,
    extend_lease,
    is_worth_waiting,
    take_lease,
)
from gateway.upstream.signin.imported import Imported
from gateway.upstream.signin.local_import import choose, read_source
from gateway.upstream.signin.refresh import (
    RefreshDoubtful,
    RefreshedToken,
    RefreshFailed,
    RefreshRejected,
    RefreshUrls,
    refresh,
    refresh_endpoint,
)

MAX_ROUNDS = 3  # each with credentials that somebody stored in the meantime
# Seconds to wait while another process asks: longer than it may take, and than its lease lasts if
# it is killed.
TURN_WAIT = 45.0
TURN_POLL = 0.2  # seconds between two looks whether it is done

ClientFor = Callable[[str, str | None], httpx.AsyncClient]
"""Gives the HTTP client for a URL and a proxy."""

log = structlog.get_logger("gateway.accounts")


class Renewer:
    """Renews tokens. Its caller sees to it that this process does so once at a time per account.

    What the service has issued and the database refused to take is kept, and stored next time
    before anything else: its refresh token may be the only one that is still good.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        client_for: ClientFor,
        urls: RefreshUrls,
        *,
        proxy: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._directory = directory
        self._client_for = client_for
        self._urls = urls
        self._proxy = proxy
        self._clock = clock
        self._unsaved: dict[str, tuple[Account, RefreshedToken]] = {}
        self._holder = secrets.token_hex(16)

    async def renew(self, account_id: str, *, is_fresh: Callable[[Account], bool]) -> None:
        """Leave the account in the directory with a token that `is_fresh`, stored before that.

        Asks nobody when the database has such a token already. Returns, too, when the account is
        gone or has no token to renew any more.

        Raises:
            RefreshRejected: only a new sign-in helps.
            RefreshDoubtful: perhaps so.
            RefreshFailed: not this time.
            StoreError: the database fails.
        """
        for _ in range(MAX_ROUNDS):
            if unsaved := self._unsaved.get(account_id):
                await self._store(*unsaved)
            account = await self._read(account_id)
            if account is None or not account.credentials or account.auth_method == "api_key":
                return
            if is_fresh(account):
                return
            if not await self._our_turn(account):
                continue
            try:
                if await self._renew_now(account):
                    return
            finally:
                await self._end_turn(account)
        raise RefreshFailed("The account's credentials keep changing. Try again.")

    async def _renew_now(self, account: Account) -> bool:
        """Ask and store. False when there are other credentials now, which may do."""
        try:
            token = await self._ask(account)
        except (RefreshRejected, RefreshDoubtful):
            if await self._replaced(account):
                return False
            raise
        self._unsaved[account.id] = (account, token)
        if await self._store(account, token):
            log.info("token renewed", account=account.name, expires_at=str(token.expires_at))
        await self._read(account.id)
        return True

    async def _ask(self, account: Account) -> RefreshedToken:
        url = refresh_endpoint(account, self._urls)
        http = self._client_for(url, account.proxy or self._proxy)
        answer: RefreshedToken | UpstreamError
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_turn, account)
            try:
                answer = await refresh(http, account, self._urls, now=self._clock())
            except UpstreamError as exc:
                answer = exc  # raised in here, it would come out as a group
            tasks.cancel_scope.cancel()
        if isinstance(answer, UpstreamError):
            raise answer
        return answer

    async def _our_turn(self, account: Account) -> bool:
        """Wait until no other process renews this token; False when one has done so.

        Raises:
            RefreshFailed: another one neither comes to an end nor dies.
        """
        with anyio.move_on_after(TURN_WAIT):
            while True:
                async with self._database.begin() as db:
                    taken = await take_lease(
                        db, account.id, self._holder, generation=account.generation
                    )
                if taken is not False:
                    return taken is True
                await self._while_leased(account)
        raise RefreshFailed("Another process of the gateway has been renewing it for too long.")

    async def _while_leased(self, account: Account) -> None:
        while True:
            await anyio.sleep(TURN_POLL)
            async with self._database.connect() as db:
                if not await is_worth_waiting(db, account.id, generation=account.generation):
                    return

    async def _keep_turn(self, account: Account) -> None:
        while True:
            await anyio.sleep(BEAT)
            # If the database fails, others may come to ask as well; only one of us will store.
            with suppress(StoreError):
                async with self._database.begin() as db:
                    await extend_lease(db, account.id, self._holder)

    async def _end_turn(self, account: Account) -> None:
        with suppress(StoreError):  # it ends by itself soon
            async with self._database.begin() as db:
                await end_lease(db, account.id, self._holder)

    async def _read(self, account_id: str) -> Account | None:
        """The account as it is stored; from now on everybody sees that."""
        async with self._database.connect() as db:
            account = await find_account(db, self._database.secrets, account_id)
        if account is None:
            self._unsaved.pop(account_id, None)
            await self._directory.reload()
        else:
            self._directory.publish(account)
        return account

    async def _store(self, account: Account, token: RefreshedToken) -> bool:
        """False when credentials newer than the ones that were renewed are stored already."""
        assert account.credentials is not None
        assert account.auth_method is not None
        saved = await self._save(
            account,
            token.applied_to(account.credentials),
            auth_method=account.auth_method,
            auth_region=None,
            profile_arn=token.profile_arn,
        )
        self._unsaved.pop(account.id, None)
        return saved

    async def _save(
        self,
        account: Account,
        credentials: Credentials,
        *,
        auth_method: AuthMethod,
        auth_region: str | None,
        profile_arn: str | None,
    ) -> bool:
        async with self._database.begin(durable=True) as db:
            generation = await save_credentials(
                db,
                self._database.secrets,
                account.id,
                credentials,
                auth_method=auth_method,
                auth_region=auth_region,
                profile_arn=profile_arn,
                expected_generation=account.generation,
                now=self._clock(),
            )
        return generation is not None

    async def _replaced(self, account: Account) -> bool:
        """Whether there now are others to try: stored meanwhile, or from where these came."""
        current = await self._read(account.id)
        if current is None or current.generation != account.generation:
            return True
        newer = await self._newer_at_source(account)
        if newer is None:
            return False
        log.info("newer credentials imported", account=account.name, source=newer.source.path)
        await self._save(
            account,
            newer.credentials,
            auth_method=newer.auth_method,
            auth_region=newer.auth_region,
            profile_arn=newer.profile_arn,
        )
        return True

    async def _newer_at_source(self, account: Account) -> Imported | None:
        source = account.credentials.import_source if account.credentials else None
        if source is None:
            return None
        try:
            findings = await anyio.to_thread.run_sync(read_source, Path(source.path))
        except InvalidRequest as exc:
            log.info("nothing newer to import", account=account.name, reason=str(exc))
            return None
        newer = [found for found in findings.found if _is_newer(found, account)]
        return choose(newer, self._clock())


def _is_newer(found: Imported, account: Account) -> bool:
    """Whether these are other credentials of, as far as can be seen, the same identity."""
    ours, theirs = account.credentials, found.credentials
    assert ours is not None
    same_identity = (
        found.auth_method == account.auth_method
        and theirs.start_url == ours.start_url
        and (
            not found.profile_arn or found.profile_arn == (account.profile_arn or found.profile_arn)
        )
    )
    other_token = (theirs.access_token, theirs.refresh_token) != (
        ours.access_token,
        ours.refresh_token,
    )
    older = (
        ours.expires_at is not None
        and theirs.expires_at is not None
        and theirs.expires_at < ours.expires_at
    )
    return same_identity and other_token and not older
