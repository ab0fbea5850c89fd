"""All sign-ins of this process: begun by somebody, finished by themselves.

A sign-in belongs to no request and no browser tab. It ends as completed, error, expired or
cancelled; with that its listener closes, its secrets are gone, and its result is told for a while.
Another process knows nothing of them, and a restart forgets them: nothing has been stored yet then.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Protocol

import anyio
import structlog
from anyio.abc import TaskGroup

from gateway.accounts.directory import Directory
from gateway.errors import Conflict, GatewayError, NotFound
from gateway.logins.completion import Completion, account_removed
from gateway.logins.flows import Flows
from gateway.logins.login import Login, Method, Status
from gateway.logins.timing import LoginTiming
from gateway.store.accounts import Account
from gateway.upstream.signin import portal
from gateway.upstream.signin.callback import Callback, CallbackRefused
from gateway.upstream.signin.issued import SignedIn, SignInFailed
from gateway.upstream.signin.pkce import new_pkce, new_state

MAX_PENDING = 32
MAX_KEPT = 200
WATCH = 5.0  # seconds between two looks whether the account is still there

log = structlog.get_logger("gateway.logins")


class Listeners(Protocol):
    """Listens for browsers that come back from a sign-in page."""

    async def open(self, port: int | None, logins: "Logins") -> int:
        """Listen on a port of this machine, by default a free one of those that are known.

        Raises:
            Conflict: the port, or each of them, is taken.
        """
        ...

    def close(self, port: int) -> None:
        """Say that one sign-in less needs it."""
        ...


class Logins:
    """Begins sign-ins, tells of them, and hands them the answers that people and browsers bring."""

    def __init__(
        self,
        flows: Flows,
        completion: Completion,
        directory: Directory,
        listeners: Listeners,
        tasks: TaskGroup,
        *,
        proxy: str | None = None,
    ) -> None:
        self._flows = flows
        self._complete = completion
        self._directory = directory
        self._listeners = listeners
        self._tasks = tasks
        self._proxy = proxy
        self._logins: dict[str, Login] = {}

    @property
    def timing(self) -> LoginTiming:
        """How long things may take, and the clock."""
        return self._flows.timing

    async def start_portal(self, account: Account, *, port: int | None = None) -> Login:
        """Begin a sign-in at Kiro's page; `auth_url` is to be opened in a browser.

        Raises:
            Conflict: the port is taken, or too many sign-ins are going on.
        """
        self._check_room()
        port = await self._listeners.open(port, self)
        try:
            self._check_room()
        except Conflict:
            self._listeners.close(port)
            raise
        pkce = new_pkce()
        login = self._new(account, "portal", self.timing.step)
        login.port = port
        login.state = new_state()
        login.auth_url = portal.sign_in_address(
            self._flows.urls.portal, state=login.state, pkce=pkce, port=port
        )
        login.message = (
            "Open the page and sign in. When the browser ends on an address that it cannot open, "
            "paste that address."
        )
        proxy = account.proxy or self._proxy
        self._start(login, lambda: self._flows.portal(login, pkce, proxy=proxy))
        return login

    async def start_device(
        self, account: Account, *, start_url: str | None = None, region: str
    ) -> Login:
        """Begin a sign-in with a code that is confirmed in any browser anywhere.

        Without a `start_url` it is Builder ID's, whose region is always the same.

        Raises:
            InvalidRequest: the start URL or the region is none.
            Conflict: too many sign-ins are going on.
            UpstreamError: the service refuses them, or does not answer.
        """
        self._check_room()
        proxy = account.proxy or self._proxy
        started = await self._flows.start_device(start_url, region, proxy=proxy)
        self._check_room()
        method: Method = "organization" if start_url else "builder_id"
        login = self._new(account, method, started.authorization.expires_in)
        login.step = "device"
        self._flows.show_code(login, started.authorization)
        self._start(login, lambda: self._flows.device(login, started))
        return login

    def all(self) -> Collection[Login]:
        """Those that are pending, and the results that are still told; oldest first."""
        self._purge()
        return tuple(self._logins.values())

    def get(self, login_id: str) -> Login:
        """One of them.

        Raises:
            NotFound: there is none of this id, or it ended a while ago.
        """
        self._purge()
        if (login := self._logins.get(login_id)) is None:
            raise NotFound("There is no such sign-in. It may have ended a while ago.")
        return login

    def with_page(self, page: str) -> Login | None:
        """The one whose page has this unguessable address."""
        self._purge()
        return next(
            (
                login
                for login in self._logins.values()
                if secrets.compare_digest(login.page.encode(), page.encode())
            ),
            None,
        )

    async def receive(self, callback: Callback) -> Login:
        """Hand a callback that a browser brings to the sign-in that it is the answer to.

        Raises:
            CallbackRefused: it is nobody's.
            GatewayError: its sign-in refuses it; nothing has changed.
        """
        for login in self._logins.values():
            if callback.has_state(login.state):
                await login.offer(callback)
                return login
        raise CallbackRefused(
            "The address belongs to no sign-in that is waiting for one.", kind="foreign_state"
        )

    def cancel(self, login: Login) -> None:
        """End it, unless it is over, or so far that it can only be completed."""
        if not login.storing and login.finish(
            "cancelled", "The sign-in was cancelled.", now=self.timing.clock()
        ):
            login.scope.cancel()

    def account_removed(self, account_id: str) -> None:
        """End the sign-ins of an account that is no more."""
        for login in self._logins.values():
            if login.account_id == account_id and not login.is_over and not login.storing:
                self._failed(login, account_removed())
                login.scope.cancel()

    def _new(self, account: Account, method: Method, seconds: float) -> Login:
        now = self.timing.clock()
        login = Login(
            id=secrets.token_urlsafe(16),
            account_id=account.id,
            method=method,
            created_at=now,
            expires_at=now + timedelta(seconds=seconds),
            step="browser",
        )
        self._logins[login.id] = login
        return login

    def _start(self, login: Login, flow: Callable[[], Awaitable[SignedIn]]) -> None:
        log.info("sign-in began", login=login.id, method=login.method, account=login.account_id)
        self._tasks.start_soon(self._run, login, flow, name=f"sign-in {login.id}")

    async def _run(self, login: Login, flow: Callable[[], Awaitable[SignedIn]]) -> None:
        try:
            with login.scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._watch, login)
                    await self._carry_out(login, flow)
                    tasks.cancel_scope.cancel()
        finally:
            login.finish("cancelled", "The gateway was stopped meanwhile.", now=self.timing.clock())
            if login.port is not None:
                self._listeners.close(login.port)

    async def _carry_out(self, login: Login, flow: Callable[[], Awaitable[SignedIn]]) -> None:
        try:
            await self._complete(login, await flow())
        except SignInFailed as exc:
            self._failed(login, exc)
        except GatewayError as exc:
            self._failed(login, SignInFailed(f"{exc} Start the sign-in again.", why="unreachable"))
        except Exception:  # a defect must not end everything else that runs beside
            log.exception("sign-in broke", login=login.id)
            problem = "A defect of the gateway ended the sign-in; its log says more. Try again."
            self._failed(login, SignInFailed(problem, why="internal"))

    def _failed(self, login: Login, problem: SignInFailed) -> None:
        status: Status = "expired" if problem.why == "expired" else "error"
        login.finish(status, str(problem), now=self.timing.clock(), why=problem.why)

    async def _watch(self, login: Login) -> None:
        """Give the sign-in up when nobody goes on with it, or its account is gone."""
        while True:
            left = (login.expires_at - self.timing.clock()).total_seconds()
            if left <= 0 and not login.storing:
                message = "Nobody finished the sign-in in time. Start it again."
                login.finish("expired", message, now=self.timing.clock(), why="expired")
                break
            if self._directory.account(login.account_id) is None and not login.storing:
                self._failed(login, account_removed())
                break
            await self.timing.sleep(min(max(left, 0.1), WATCH))
        login.scope.cancel()

    def _check_room(self) -> None:
        self._purge()
        pending = sum(not login.is_over for login in self._logins.values())
        if pending >= MAX_PENDING:
            raise Conflict(
                f"{pending} sign-ins are going on already. Finish or cancel one of them first."
            )

    def _purge(self) -> None:
        """Forget results that nobody will ask for any more."""
        oldest = self.timing.clock() - timedelta(seconds=self.timing.kept)
        over = [login for login in self._logins.values() if login.finished_at is not None]
        surplus = max(0, len(over) - MAX_KEPT)
        for index, login in enumerate(sorted(over, key=lambda login: login.finished_at or oldest)):
            if index < surplus or (login.finished_at or oldest) <= oldest:
                del self._logins[login.id]
