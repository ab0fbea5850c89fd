"""One sign-in, from its beginning to the minutes after its end."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import anyio
import structlog

from gateway.errors import Conflict, GatewayError
from gateway.upstream.profiles import Profile
from gateway.upstream.signin.callback import Callback
from gateway.upstream.signin.issued import Why

Status = Literal["pending", "completed", "error", "expired", "cancelled"]

Step = Literal["browser", "device", "identity_provider", "profile", "finishing"]
"""What a pending sign-in waits for: somebody to sign in in a browser; to confirm a code; to sign in
at the organisation's own provider and paste the address; to choose a profile; or nobody any more.
"""

Method = Literal["portal", "organization", "builder_id"]

MAX_OFFERS = 4  # answers that may be waiting to be looked at

log = structlog.get_logger("gateway.logins")


@dataclass(slots=True, eq=False)
class Offer:
    """An answer that somebody brings: a callback, or the name or ARN of a profile.

    `done` is set when it was looked at; then `problem` says why it was refused, if it was.
    """

    answer: Callback | str
    done: anyio.Event = field(default_factory=anyio.Event)
    problem: GatewayError | None = None

    def accept(self) -> None:
        """Take it."""
        self.done.set()

    def refuse(self, problem: GatewayError) -> None:
        """Send it back; nothing has changed."""
        self.problem = problem
        self.done.set()


@dataclass(slots=True, eq=False)
class Login:
    """What can be told of a sign-in. Whoever carries it out changes it, by the methods.

    Attributes:
        id: unguessable.
        account_id: whose sign-in it is; accounts are renamed meanwhile.
        page: the part of the address of its page that nobody can guess.
        expires_at: when the current step is given up.
        state: what the answer of the current step has to bring back; empty where none is awaited.
        why: in a word for programs, why it failed.
        message: what happened and what to do, for people; in the end, or while it waits.
    """

    id: str
    account_id: str
    method: Method
    created_at: datetime
    expires_at: datetime
    step: Step
    page: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    status: Status = "pending"
    auth_url: str = field(default="", repr=False)
    port: int | None = None
    user_code: str = field(default="", repr=False)
    verification_uri: str = ""
    verification_uri_complete: str = field(default="", repr=False)
    interval: float | None = None
    provider_url: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    profiles: tuple[Profile, ...] = ()
    current_profile: str | None = None
    why: Why | None = None
    message: str = ""
    finished_at: datetime | None = None
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope, repr=False)
    storing: bool = False
    _changed: anyio.Event = field(default_factory=anyio.Event, repr=False)
    _offers: list[Offer] = field(default_factory=list, repr=False)
    _taken: Offer | None = field(default=None, repr=False)
    _offered: anyio.Event = field(default_factory=anyio.Event, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status != "pending"

    def enter(self, step: Step, *, until: datetime, message: str = "") -> None:
        """Begin a step. What the one before showed and awaited is gone."""
        self._wipe()
        self.step = step
        self.expires_at = until
        self.message = message
        self._tell()

    def show_profiles(self, profiles: tuple[Profile, ...], current: str | None) -> None:
        """Tell what there is to choose from, and the ARN that the account has now."""
        self.profiles, self.current_profile = profiles, current

    def finish(
        self, status: Status, message: str, *, now: datetime, why: Why | None = None
    ) -> bool:
        """End it, if it has not ended yet; whatever answers were still waiting are refused."""
        if self.is_over:
            return False
        self._wipe()
        self.status, self.message, self.why, self.finished_at = status, message, why, now
        for offer in (*self._offers, self._taken):
            if offer is not None and not offer.done.is_set():
                offer.refuse(_over())
        self._offers.clear()
        self._tell()
        log.info("sign-in ended", login=self.id, method=self.method, status=status, reason=why)
        return True

    async def offer(self, answer: Callback | str) -> None:
        """Bring an answer, and wait until it was looked at.

        Raises:
            Conflict: nobody waits for one, or too many were brought at once.
            GatewayError: why this one is refused.
        """
        if self.is_over:
            raise _over()
        if self.step == "finishing" or len(self._offers) >= MAX_OFFERS:
            raise Conflict("The sign-in is being looked at just now. Look at its result first.")
        offer = Offer(answer)
        self._offers.append(offer)
        self._offered.set()
        await offer.done.wait()
        if offer.problem is not None:
            raise offer.problem

    async def next_offer(self) -> Offer:
        """The next answer to look at; it has to be accepted or refused."""
        while not self._offers:
            self._offered = anyio.Event()
            await self._offered.wait()
        self._taken = self._offers.pop(0)
        return self._taken

    async def changed(self, is_enough: Callable[["Login"], bool]) -> None:
        """Wait until it is as wanted, or over."""
        while not (self.is_over or is_enough(self)):
            await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    def _wipe(self) -> None:
        self.auth_url = self.provider_url = self.state = ""
        self.user_code = self.verification_uri = self.verification_uri_complete = ""
        self.interval = None
        self.profiles, self.current_profile = (), None


def _over() -> Conflict:
    return Conflict("This sign-in is over. Start another one.", code="conflict")
