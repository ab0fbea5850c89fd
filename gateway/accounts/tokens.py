"""A valid access token for every account, renewed once however many requests want it.

Nobody waits while the old token is still good: it is renewed in the background from five minutes
before its end. A renewal belongs to no request, so a client that hangs up does not stop it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import NoReturn

import anyio
import structlog
from anyio.abc import TaskGroup

from gateway.accounts.directory import Directory
from gateway.accounts.health_states import WhySignIn
from gateway.accounts.renewal import ClientFor, Renewer
from gateway.accounts.selection import how_to_sign_in
from gateway.errors import AccountSignInFailed, GatewayError, NoAccountAvailable
from gateway.store.accounts import Account
from gateway.store.database import Database
from gateway.upstream.signin.refresh import RefreshDoubtful, RefreshRejected, RefreshUrls

SKEW = timedelta(seconds=300)  # before its end, a token is due for renewal
LARGEST_JITTER = 60.0  # seconds more, different for each account, so that they do not go together
# What is left of a token has to last until the service has looked at it.
ENOUGH = timedelta(seconds=30)
# Tokens that live shorter than SKEW are always due; this bounds how often that is acted on.
RENEWAL_INTERVAL = timedelta(seconds=30)
# That a request waits for a renewal: longer than the sign-in service is given to answer, so that it
# hears what was wrong.
WAIT = 33.0  # seconds
SCAN = 60.0  # seconds between looks at all accounts
# After a night's sleep every account is due at once; what nobody waits for is done gently.
UNASKED_AT_ONCE = 4
LARGEST_GAP = 0.5  # seconds before each of them, at random
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # seconds after a failure, doubling
LONGEST_RETRY_AFTER = 300.0  # seconds that a service may ask for
DOUBT_PAUSE = 60.0  # seconds after a refusal that says nothing

log = structlog.get_logger("gateway.accounts")


@dataclass(slots=True)
class _Renewal:
    """What is known of the renewals of one account's credentials; in memory only.

    `done` is there while one runs. After a failure `message` tells of it and `retry_at` keeps the
    next one away; `refused` says why these credentials will never be renewed.
    """

    jitter: timedelta
    generation: int
    done: anyio.Event | None = None
    renewed_at: datetime | None = None
    retry_at: datetime | None = None
    failures: int = 0
    doubts: int = 0
    refused: WhySignIn | None = None
    message: str = ""


class Tokens:
    """Hands out accounts whose token is valid.

    Renewals run in `tasks`, shielded from its cancellation: between the service's answer and the
    commit a rotated token exists nowhere else. The group so ends half a minute late at most.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        client_for: ClientFor,
        urls: RefreshUrls,
        tasks: TaskGroup,
        *,
        proxy: str | None = None,
        random: Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._directory = directory
        self._renewer = Renewer(database, directory, client_for, urls, proxy=proxy, clock=clock)
        self._tasks = tasks
        self._random = random or Random()  # noqa: S311  # spreads load, guards nothing
        self._clock = clock
        self._renewals: dict[str, _Renewal] = {}

    async def renew(self, account_id: str) -> Account:
        """Renew a token because somebody asks for it, whatever is known against trying.

        Raises:
            NoAccountAvailable: as `get`.
            AccountSignInFailed: likewise; the old token may be good for a while.
        """
        account = self._signed_in(account_id)
        renewal = self._renewal(account)
        if renewal.done is None:
            renewal.refused, renewal.retry_at, renewal.message = None, None, ""
        credentials = account.credentials
        try:
            return await self.get(
                account_id, rejected=credentials.access_token if credentials else None
            )
        except AccountSignInFailed as exc:
            if not credentials or not self._lasts(account, None, timedelta(0)):
                raise
            raise AccountSignInFailed(
                f"{exc} The old token is good until {credentials.expires_at:%Y-%m-%d %H:%M:%S}Z.",
                retry_after=exc.retry_after,
            ) from exc

    async def get(self, account_id: str, *, rejected: str | None = None) -> Account:
        """The account, with a token that is valid now.

        `rejected` is the access token (or API key) that the service has just refused: a renewal is
        forced unless there is another token already.

        Raises:
            NoAccountAvailable: the account is unknown, disabled, not signed in, or has no valid
                token and cannot get one now (`retry_after` when that may change by itself).
            AccountSignInFailed: the last of these, after `rejected`.
        """
        for _ in range(2):
            account = self._signed_in(account_id)
            if account.auth_method == "api_key":
                return _with_api_key(account, rejected)
            renewal = self._renewal(account)
            if self._lasts(account, rejected, SKEW + renewal.jitter):
                return account
            self._start(account, rejected, renewal)
            if self._lasts(account, rejected, ENOUGH):
                return account
            running = renewal.done
            if running is None:
                break
            with anyio.move_on_after(WAIT) as waiting:
                await running.wait()
            account = self._signed_in(account_id)
            if waiting.cancelled_caught or renewal.message:
                break
            # Without either, what ran was begun for another reason than ours: look again.
        if self._lasts(account, rejected, timedelta(0)):
            return account
        raise self._problem(account, rejected)

    def trouble(self, account: Account) -> str | None:
        """Why an account has no valid token and what to do, as far as a renewal has shown it."""
        renewal = self._renewals.get(account.id)
        if renewal is None or renewal.generation != account.generation:
            return None
        if not renewal.refused and self._lasts(account, None, timedelta(0)):
            return None
        return renewal.message or None

    def refused(self, account: Account) -> WhySignIn | None:
        """Why only a new sign-in helps; None: as far as is known, it is not needed."""
        renewal = self._renewals.get(account.id)
        if renewal is None or renewal.generation != account.generation:
            return None
        return renewal.refused

    def pending(self, account: Account) -> str | None:
        """Why a token that the service refuses has no successor yet; None: none is on its way."""
        renewal = self._renewals.get(account.id)
        if renewal is None or renewal.generation != account.generation or renewal.refused:
            return None
        if renewal.done is not None:
            return f'The token of Kiro account "{account.name}" is being renewed, which takes long.'
        return renewal.message or None

    async def keep_fresh(self) -> NoReturn:
        """Renew, for ever, what is due, so that requests find it done."""
        while True:
            due = sorted(filter(self._is_due, self._directory.accounts), key=_end_of_token)
            waiting = iter([account.id for account in due])
            async with anyio.create_task_group() as tasks:
                for _ in range(UNASKED_AT_ONCE):
                    tasks.start_soon(self._renew_unasked, waiting)
            await anyio.sleep(SCAN)

    async def _renew_unasked(self, account_ids: Iterator[str]) -> None:
        for account_id in account_ids:
            await anyio.sleep(self._random.uniform(0, LARGEST_GAP))
            account = self._directory.account(account_id)
            if account is None or not self._is_due(account):
                continue
            renewal = self._renewal(account)
            self._start(account, None, renewal)
            if renewal.done is not None:
                await renewal.done.wait()

    def _is_due(self, account: Account) -> bool:
        if not account.enabled or not account.credentials or account.auth_method == "api_key":
            return False
        return not self._lasts(account, None, SKEW + self._renewal(account).jitter)

    def _signed_in(self, account_id: str) -> Account:
        account = self._directory.account(account_id)
        if account is None:
            raise NoAccountAvailable("The Kiro account has been removed.")
        if not account.enabled:
            raise NoAccountAvailable(
                f'Kiro account "{account.name}" is disabled. Enable it or use another one.'
            )
        if account.credentials is None or account.auth_method is None:
            raise NoAccountAvailable(
                f'Kiro account "{account.name}" is not signed in. {how_to_sign_in(account.name)}'
            )
        return account

    def _renewal(self, account: Account) -> _Renewal:
        known = self._renewals.get(account.id)
        if known is not None and (known.generation == account.generation or known.done):
            return known
        # Other credentials: what is known of the old ones' failures says nothing about them.
        jitter = known.jitter if known else timedelta(seconds=self._jitter())
        renewed_at = known.renewed_at if known else None
        renewal = _Renewal(jitter, account.generation, renewed_at=renewed_at)
        self._renewals[account.id] = renewal
        return renewal

    def _jitter(self) -> float:
        return self._random.uniform(0, LARGEST_JITTER)

    def _lasts(self, account: Account, rejected: str | None, margin: timedelta) -> bool:
        credentials = account.credentials
        return (
            credentials is not None
            and credentials.expires_at is not None
            and bool(credentials.access_token)
            and credentials.access_token != rejected
            and credentials.expires_at - self._clock() > margin
        )

    def _start(self, account: Account, rejected: str | None, renewal: _Renewal) -> None:
        """Begin a renewal, unless one runs, it is too early for another, or there is no hope."""
        now = self._clock()
        if renewal.done is not None or renewal.refused:
            return
        if renewal.retry_at is not None and now < renewal.retry_at:
            return
        just_done = renewal.renewed_at is not None and now - renewal.renewed_at < RENEWAL_INTERVAL
        if just_done and self._lasts(account, rejected, ENOUGH):
            return
        renewal.done = anyio.Event()
        self._tasks.start_soon(self._run, account, rejected, renewal, renewal.done)

    async def _run(
        self, account: Account, rejected: str | None, renewal: _Renewal, done: anyio.Event
    ) -> None:
        renewal.message = ""
        margin = SKEW + renewal.jitter
        try:
            with anyio.CancelScope(shield=True):
                await self._renewer.renew(
                    account.id,
                    is_fresh=partial(self._lasts, rejected=rejected, margin=margin),
                )
            renewal.renewed_at = self._clock()
        except GatewayError as exc:
            self._failed(account, renewal, exc)
        except Exception as exc:
            # Raised on, a defect here would end every other task of the gateway.
            log.exception("defect while renewing a token", account=account.name)
            self._failed(account, renewal, exc)
        finally:
            renewal.done = None
            done.set()

    def _failed(self, account: Account, renewal: _Renewal, exc: Exception) -> None:
        renewal.failures += 1
        renewal.doubts += isinstance(exc, RefreshDoubtful)
        facts = {
            "account": account.name,
            "error": type(exc).__name__,
            "status": getattr(exc, "upstream_status", None),
            "reason": getattr(exc, "reason", None),
        }
        if isinstance(exc, RefreshRejected) or renewal.doubts > 1:
            renewal.refused = exc.why if isinstance(exc, RefreshRejected) else "spent"
            problem = (
                str(exc)
                if isinstance(exc, RefreshRejected)
                else f'Account "{account.name}" has to be signed in again: the sign-in service '
                "keeps refusing its refresh token."
            )
            renewal.message = f"{problem} {how_to_sign_in(account.name)}"
            log.error("account has to be signed in again", **facts)
            return
        pause = min(FIRST_PAUSE * 2 ** (renewal.failures - 1), LONGEST_PAUSE)
        if isinstance(exc, RefreshDoubtful):
            pause = DOUBT_PAUSE
        if isinstance(exc, GatewayError) and exc.retry_after:
            pause = max(pause, min(exc.retry_after, LONGEST_RETRY_AFTER))
        renewal.retry_at = self._clock() + timedelta(seconds=pause)
        renewal.message = (
            f'The token of Kiro account "{account.name}" could not be renewed: '
            f"{exc if isinstance(exc, GatewayError) else 'an internal error'}"
        )
        log.warning("token not renewed", **facts, retry_in=pause)

    def _problem(self, account: Account, rejected: str | None) -> GatewayError:
        renewal = self._renewal(account)
        retry_after = None
        if not renewal.refused and renewal.retry_at is not None:
            retry_after = max((renewal.retry_at - self._clock()).total_seconds(), 1.0)
        message = renewal.message or (
            f'Kiro account "{account.name}" has no valid token just now; it is being renewed. '
            "Try again."
        )
        kind = NoAccountAvailable if rejected is None else AccountSignInFailed
        return kind(message, retry_after=retry_after)


def _with_api_key(account: Account, rejected: str | None) -> Account:
    api_key = account.credentials.api_key if account.credentials else None
    if not api_key:
        raise NoAccountAvailable(f'Kiro account "{account.name}" has lost its API key.')
    if api_key == rejected:
        raise AccountSignInFailed(
            f'Kiro does not accept the API key of account "{account.name}". Give it a new one.'
        )
    return account


def _end_of_token(account: Account) -> datetime:
    ends_at = account.credentials.expires_at if account.credentials else None
    return ends_at or datetime.min.replace(tzinfo=UTC)
