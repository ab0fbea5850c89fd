"""What an account can really do: its sign-in, its cool-downs, its quota, and how calls went."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.accounts.cooldown_rules import told
from gateway.accounts.cooldowns import Cooldowns
from gateway.accounts.directory import Directory
from gateway.accounts.health_states import Health, Result, State, WhySignIn, stored_health
from gateway.errors import (
    AccountSuspended,
    GatewayError,
    NoAccountAvailable,
    ProfileRejected,
    UpstreamAccessDenied,
    UpstreamBadGateway,
    UpstreamError,
    UpstreamInternal,
    UpstreamModelNotFound,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from gateway.kiro.quota import Quota
from gateway.store.accounts import Account

# One failure says little about an account, and the service as a whole has its bad minutes.
ENOUGH_FAILURES = 3
# For so long it is remembered that an account lacks a model.
MODEL_ABSENT = timedelta(minutes=10)
MAX_ABSENT = 1000  # of these; clients may name what they like
TRIED_AGAIN = "It is tried again by itself."
BROKEN = (
    UpstreamUnavailable,
    UpstreamInternal,
    UpstreamBadGateway,
    UpstreamUnreachable,
    UpstreamTimeout,
)


class Planner(Protocol):
    """Who checks accounts in the background."""

    def next_at(self, account_id: str) -> datetime | None:
        """When an account is checked next."""
        ...

    def learn_reset(self, account_id: str) -> None:
        """Find out when the quota of an account begins anew."""
        ...

    def is_learning(self, account_id: str) -> bool:
        """Whether the quota is being asked for only to know that."""
        ...

    def probe(self, account_id: str) -> None:
        """See whether an account's refused token can be renewed after all."""
        ...


class Recorder(Protocol):
    """Who writes down how accounts change."""

    def since(self, account_id: str, state: State) -> datetime | None:
        """From when on an account has been in a state, if it is in that one."""
        ...

    def look_at(self, account_id: str) -> None:
        """Something about this account may have changed."""
        ...


class TokenState(Protocol):
    """What is known of the renewals of tokens."""

    def trouble(self, account: Account) -> str | None:
        """Why an account has no valid token and what to do."""
        ...

    def refused(self, account: Account) -> WhySignIn | None:
        """Why only a new sign-in helps; None: as far as is known, it is not needed."""
        ...

    def pending(self, account: Account) -> str | None:
        """Why a token that the service refuses has no successor yet, if it may get one."""
        ...


@dataclass(slots=True)
class _Streak:
    """Failures of one kind in a row, with these credentials."""

    state: State
    generation: int
    since: datetime
    reason: str
    count: int = 1


class AccountHealth:
    """Gathers what is heard of accounts, and tells how they are.

    Asked by `of` for everything that shows or watches accounts; told by the relay how requests
    ended, and by whoever asks for quotas what came of it. Of failures it keeps a few numbers for
    each account; what has to outlive the process is in `cooldowns`.

    Args:
        clock: aware UTC.
    """

    def __init__(
        self,
        directory: Directory,
        tokens: TokenState,
        cooldowns: Cooldowns,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.cooldowns = cooldowns
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._results: dict[str, Result] = {}
        self._checks: dict[str, Result] = {}
        self._streaks: dict[str, _Streak] = {}
        self._absent: dict[tuple[str, str], datetime] = {}
        self._planner: Planner | None = None
        self._recorder: Recorder | None = None
        cooldowns.on_change = self._changed

    def attach(self, planner: "Planner", recorder: "Recorder") -> None:
        """Name who checks accounts and who writes down how they change; both need this first."""
        self._planner, self._recorder = planner, recorder

    def of(self, account: Account) -> Health:
        """How an account is, from memory."""
        health = self._state(account)
        if health.since is None and self._recorder is not None:
            health = replace(health, since=self._recorder.since(account.id, health.state))
        return replace(
            health,
            last_result=self._results.get(account.id),
            last_check=self._checks.get(account.id),
            next_check_at=self._planner.next_at(account.id) if self._planner else None,
        )

    def refusal(self, account_id: str, model: str | None = None) -> GatewayError | None:
        """Why a request must not be sent to an account now; None: it may."""
        refusal = self.cooldowns.refusal(account_id, model)
        if not isinstance(refusal, NoAccountAvailable):
            return refusal
        account = self._directory.account(account_id)
        pending = self._tokens.pending(account) if account is not None else None
        if self._planner is not None:
            self._planner.probe(account_id)
        if pending is None:
            return refusal
        return NoAccountAvailable(f"{pending} {TRIED_AGAIN}", retry_after=refusal.retry_after)

    def failed(self, account: Account, model: str, error: UpstreamError) -> UpstreamError:
        """A generation failed on an account, after all that could be tried there.

        Returns what the client is told: an error of the same class that names the account.
        """
        name = type(error).__name__
        self._results[account.id] = Result(self._clock(), name, str(error), model)
        if isinstance(error, UpstreamModelNotFound):
            self._note_absent(account.id, model)
        begun = self.cooldowns.failed(account, model, error)
        if begun is not None and begun.kind == "exhausted" and self._planner is not None:
            self._planner.learn_reset(account.id)
        self._count(account, error)
        return told(error, begun, account.name, self._clock())

    def answered(self, account: Account, model: str, asked_at: datetime) -> None:
        """A generation that was asked for at that time has begun to be answered."""
        self._results[account.id] = Result(asked_at, "answered", None, model)
        self.cooldowns.answered(account.id, model, asked_at)
        if self._streaks and self._streaks.pop(account.id, None) is not None:
            self._changed(account.id)
        if self._absent:
            self._absent.pop((account.id, model), None)

    def lacks(self, account_id: str, model: str) -> bool:
        """Whether the service lately said that the account does not have the model."""
        noted_at = self._absent.get((account_id, model))
        account = self._directory.account(account_id)
        if noted_at is None or account is None:
            return False
        if account.signed_in_at is not None and noted_at < account.signed_in_at:
            return False  # that was another sign-in, perhaps with another plan
        return self._clock() - noted_at < MODEL_ABSENT

    def checked(self, account_id: str) -> None:
        """A check found nothing wrong."""
        self._checks[account_id] = Result(self._clock(), "answered")

    def heard_quota(self, account_id: str, quota: Quota) -> None:
        """The service told an account's quota; see `Cooldowns.heard_quota`."""
        self.checked(account_id)
        learning = self._planner is not None and self._planner.is_learning(account_id)
        self.cooldowns.heard_quota(account_id, quota, learning=learning)
        account = self._directory.account(account_id)
        if account is not None:
            self.cooldowns.accepted(account)
        streak = self._streaks.get(account_id)
        # Who can be asked about the quota can be reached. It says nothing about permissions.
        if streak is not None and streak.state == "failing":
            del self._streaks[account_id]
            self._changed(account_id)

    def heard_refusal(self, account_id: str, error: GatewayError) -> None:
        """The service would not, or could not, tell an account's quota."""
        self._checks[account_id] = Result(self._clock(), type(error).__name__, str(error))
        account = self._directory.account(account_id)
        if account is None:
            return
        if isinstance(error, AccountSuspended):
            self.cooldowns.failed(account, "", error)
        elif isinstance(error, BROKEN):
            self._count(account, error)

    def begin_anew(self, account_id: str) -> None:
        """Somebody has seen to the account, or signed it in again: what was before is over."""
        self.cooldowns.forget(account_id)
        self._results.pop(account_id, None)
        self._checks.pop(account_id, None)
        self._streaks.pop(account_id, None)
        for absent in [one for one in self._absent if one[0] == account_id]:
            del self._absent[absent]
        self._changed(account_id)

    def _changed(self, account_id: str) -> None:
        if self._recorder is not None:
            self._recorder.look_at(account_id)

    def _count(self, account: Account, error: GatewayError) -> None:
        state = _state_of(error)
        if state is None:
            return
        streak = self._streaks.get(account.id)
        same = (
            streak is not None and streak.state == state and streak.generation == account.generation
        )
        if streak is None or not same:
            count = ENOUGH_FAILURES if state == "misconfigured" else 1
            streak = _Streak(state, account.generation, self._clock(), str(error), count)
            self._streaks[account.id] = streak
        else:
            streak.count += 1
            streak.reason = str(error)
        if streak.count == ENOUGH_FAILURES:
            self._changed(account.id)

    def _note_absent(self, account_id: str, model: str) -> None:
        if len(self._absent) >= MAX_ABSENT:
            del self._absent[next(iter(self._absent))]
        self._absent[account_id, model] = self._clock()

    def _state(self, account: Account) -> Health:
        held = self.cooldowns.of(account.id)
        stored = stored_health(account, held, now=self._clock())
        if stored.state in {"suspended", "disabled", "not_signed_in"}:
            return stored
        trouble = self._tokens.trouble(account)
        if trouble is not None:
            why = self._tokens.refused(account)
            state: State = "failing" if why is None else "sign_in_required"
            return Health(state, trouble, cooldowns=held, why=why)
        if stored.state == "sign_in_required" and (pending := self._tokens.pending(account)):
            return Health("failing", pending, TRIED_AGAIN, since=stored.since, cooldowns=held)
        if stored.state in {"sign_in_required", "quota_exhausted"}:
            return stored
        streak = self._streaks.get(account.id)
        if (
            streak is not None
            and streak.count >= ENOUGH_FAILURES
            and streak.generation == account.generation
        ):
            return Health(streak.state, streak.reason, since=streak.since, cooldowns=held)
        return stored


def _state_of(error: GatewayError) -> State | None:
    match error:
        case ProfileRejected():
            return "misconfigured"
        case UpstreamAccessDenied():
            return "forbidden"
        case _ if isinstance(error, BROKEN):
            return "failing"
        case _:
            return None
