"""The accounts that a request may run on, put in order when its own one does not serve."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import Headers

from gateway.accounts.ranking import Candidate, rank
from gateway.conversation import Conversation
from gateway.errors import GatewayError, NoAccountAvailable, UpstreamModelNotFound
from gateway.kiro.model_names import resolve
from gateway.store.accounts import Account
from gateway.store.api_keys import ApiKey
from gateway.web.allowed_models import may_use
from gateway.web.services import Services

SESSION_HEADERS = (
    "x-kiro-conversation-id",
    "x-claude-code-session-id",
    "session-id",  # Codex
    "session_id",  # Codex, earlier
    "conversation_id",
    "x-opencode-session",
    "x-session-affinity",
    "x-session-id",
)
"""How clients name their sessions, the surest first."""


@dataclass(frozen=True, slots=True)
class Failover:
    """Where a request may go: the key's accounts, `default` first while nothing is wrong with it.

    Nothing is looked up before it is needed: mostly the first account serves.
    """

    services: Services
    api_key: ApiKey
    default: Account
    conversation: Conversation
    headers: Headers

    def order(self) -> Iterator[Account]:
        """See `relay.failover.Alternatives`."""
        now = datetime.now(UTC)
        tried: set[str] = set()
        own = self._candidate(self.default, 0, now)
        if own is not None and own.in_order and not own.blocked_until and not own.lacks_model:
            tried.add(self.default.id)
            yield self.default
        # Only now, so that it is as things are when another account is wanted.
        now = datetime.now(UTC)
        running = self.services.metrics.running_by_account()
        candidates = [
            candidate
            for account in self._allowed()
            if (candidate := self._candidate(account, running[account.id], now)) is not None
        ]
        session = session_of(self.conversation, self.headers)
        for account_id in rank(candidates, session, now=now):
            account = self.services.directory.account(account_id)
            if account is not None and account_id not in tried:
                tried.add(account_id)
                yield account
        if not tried:
            yield self.default  # which then says what is wrong with it

    def why_not_its_own(self) -> GatewayError:
        """See `relay.failover.Alternatives`."""
        health, default = self.services.health, self.default
        model = resolve(self.conversation.model, self._catalogue(default)).id
        if (refusal := health.refusal(default.id, model)) is not None:
            return refusal
        if health.lacks(default.id, model):
            return UpstreamModelNotFound(f'Account "{default.name}" lately had no such model.')
        problem = health.of(default).problem or "It serves as many requests as it may."
        return NoAccountAvailable(f'Account "{default.name}": {problem}')

    def _catalogue(self, account: Account) -> set[str]:
        return {model.id for model in self.services.models.peek(account.id) or ()}

    def _allowed(self) -> Iterator[Account]:
        for account_id in self.api_key.account_ids:
            if (account := self.services.directory.account(account_id)) is not None:
                yield account

    def _candidate(self, account: Account, running: int, now: datetime) -> Candidate | None:
        """None for an account that cannot be asked at all."""
        if not account.enabled or account.credentials is None:
            return None
        services, credentials = self.services, account.credentials
        catalogue = self._catalogue(account)
        if not may_use(self.api_key, self.conversation.model, catalogue):
            return None
        model = resolve(self.conversation.model, catalogue).id
        health = services.health
        quota = services.quotas.peek(account.id)
        total = quota.total if quota is not None and quota.known else None
        return Candidate(
            id=account.id,
            preferred=account.id == self.default.id,
            in_order=health.of(account).is_in_order,
            has_token=bool(credentials.api_key)
            or (credentials.expires_at is not None and credentials.expires_at > now),
            blocked_until=health.cooldowns.blocked_until(account.id, model),
            lacks_model=health.lacks(account.id, model),
            quota_left=total.remaining / total.limit if total and total.limit > 0 else None,
            running=running,
            cap=account.max_concurrent_requests,
        )


def session_of(conversation: Conversation, headers: Headers) -> str:
    """What stays the same through a session and differs between sessions.

    What the client says of it, in headers or in the body, else how the conversation begins.
    """
    for name in SESSION_HEADERS:
        if value := headers.get(name, "").strip():
            return value
    if conversation.session_id:
        return conversation.session_id
    first = next((turn for turn in conversation.turns if turn.role == "user"), None)
    if first is None:
        return ""
    return first.text or "".join(image.data for image in first.images)
