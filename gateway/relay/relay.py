"""One request, from conversation to last byte."""

import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import anyio
import structlog

from gateway.accounts.calls import AccountSource, RepairProfile, refreshed
from gateway.conversation import Conversation, Note
from gateway.dialects.token_estimate import estimate_conversation
from gateway.errors import (
    AccountBusy,
    AccountSignInFailed,
    FirstEventTimeout,
    GatewayError,
    InvalidRequest,
    TokenPending,
    UpstreamError,
    UpstreamUnreachable,
)
from gateway.events import Translator
from gateway.kiro.lint import lint
from gateway.kiro.model_names import resolve
from gateway.kiro.models import Model
from gateway.kiro.payload import BuildOptions, KiroRequest, build_request, conversation_id_of
from gateway.kiro.stream import KiroDecoder
from gateway.kiro.trim import fit
from gateway.relay.answer import Answer
from gateway.relay.attempts import Attempts, Next, first_event_limit
from gateway.relay.facts import Facts, UpstreamCall
from gateway.relay.failover import Alternatives, Refusal, best_told, may_go_on
from gateway.relay.reply import ReplyStream
from gateway.settings import DefaultsSettings
from gateway.store.accounts import Account
from gateway.upstream.client import Generation, KiroService, token_refused

# A generation can do without the model list. Only an account's very first one is waited for, since
# it tells how to ask for thinking; it holds nobody up for longer than this.
MODEL_LIST_PATIENCE = 3.0  # seconds

# A token is renewed in much less. Who may go elsewhere waits no longer for a service that hangs.
TOKEN_PATIENCE = 5.0  # seconds

log = structlog.get_logger("gateway.relay")


class Watch(Protocol):
    """Who knows what accounts can do, and hears how requests end."""

    def refusal(self, account_id: str, model: str | None = None) -> GatewayError | None:
        """Why a request must not be sent now; without `model` only what is about the account."""
        ...

    def failed(self, account: Account, model: str, error: UpstreamError) -> UpstreamError:
        """A request failed on this account, after all that could be tried there.

        Returns what the client is told of it.
        """
        ...

    def answered(self, account: Account, model: str, asked_at: datetime) -> None:
        """A request that was sent at that time has begun to be answered."""
        ...


class ModelSource(Protocol):
    """Where the models of an account are known."""

    async def glance(self, account_id: str, *, patience: float) -> tuple[Model, ...] | None:
        """The models of an account as far as they are known, after `patience` seconds at most."""
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One client request, authenticated and parsed.

    `new_translator` makes a translator for each attempt: a failed one leaves nothing behind.

    Attributes:
        alternatives: the accounts it may run on instead of `account_id`, that one among them.
        take_place: holds a place on the account that is about to serve, and gives the former one
            back; told whether to wait for it. Raises AccountBusy.
        heeds_cooldowns: False for an operator who wants to know how the account is now.
    """

    conversation: Conversation
    account_id: str
    new_translator: Callable[[], Translator]
    facts: Facts
    caller_conversation_id: str | None = None
    alternatives: Alternatives | None = None
    take_place: Callable[[str, bool], Awaitable[None]] | None = None
    heeds_cooldowns: bool = True


@dataclass(frozen=True, slots=True)
class _Call:
    """What one attempt sends; replaced as attempts mend it."""

    conversation: Conversation
    account: Account
    request: KiroRequest
    body: bytes
    model_id: str
    window: int | None
    options: BuildOptions


class Relay:
    """Carries conversations to Kiro and answers back.

    Args:
        clock: monotonic seconds.
        sleep: waits seconds; tests pass one that does not.
    """

    def __init__(
        self,
        accounts: AccountSource,
        models: ModelSource,
        service: KiroService,
        defaults: DefaultsSettings,
        watch: Watch,
        *,
        repair_profile: RepairProfile,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._accounts = accounts
        self._models = models
        self._service = service
        self._defaults = defaults
        self._watch = watch
        self._repair_profile = repair_profile
        self._clock = clock
        self._sleep = sleep
        # Models that refused a request because of the reasoning in its history.
        self._without_thinking: set[str] = set()

    async def answer(self, ask: Ask) -> Answer:
        """Send a conversation and wait for the first text, reasoning or tool event, or the end.

        Raises:
            GatewayError: the request cannot be sent, or upstream failed before anything of the
                answer was there.
        """
        started_at = self._clock()
        attempts = Attempts(
            first_event_retries=self._defaults.first_token_max_retries, random=random.random
        )
        if ask.alternatives is None:
            return await self._answer_on(ask.account_id, ask, attempts, started_at, patient=True)
        return await self._answer_on_any(ask.alternatives, ask, attempts, started_at)

    async def _answer_on_any(
        self, alternatives: Alternatives, ask: Ask, attempts: Attempts, started_at: float
    ) -> Answer:
        """The answer of the first account that gives one."""
        facts = ask.facts
        own_name = facts.account_name
        passed_over: list[str] = []
        refusals: list[Refusal] = []
        for account in alternatives.order():
            if refusals and attempts.is_over(self._clock() - started_at):
                break
            attempts.on_another_account()
            calls, elapsed = facts.upstream_calls, self._clock() - started_at
            if not refusals and account.id != ask.account_id and own_name is not None:
                passed_over.append(own_name)
                why = alternatives.why_not_its_own()
                facts.calls.append(_passed_over(own_name, why, elapsed))
            facts.account_id, facts.account_name = account.id, account.name
            facts.failed_over = _names(passed_over, refusals)
            try:
                return await self._answer_on(account.id, ask, attempts, started_at, patient=False)
            except GatewayError as exc:
                if not may_go_on(exc):
                    raise
                refusals.append((account, exc))
                if facts.upstream_calls == calls:
                    facts.calls.append(_passed_over(account.name, exc, elapsed))
            log.info(
                "account does not serve",
                request_id=facts.request_id,
                account=account.name,
                error=type(refusals[-1][1]).__name__,
            )
        account, error = best_told(refusals)
        facts.account_id, facts.account_name = account.id, account.name
        names = _names(passed_over, refusals)
        facts.failed_over = [name for name in names if name != account.name]
        if isinstance(error, AccountBusy | TokenPending):
            # Nobody else can, so it is worth the wait.
            return await self._answer_on(account.id, ask, attempts, started_at, patient=True)
        raise error

    async def _answer_on(
        self, account_id: str, ask: Ask, attempts: Attempts, started_at: float, *, patient: bool
    ) -> Answer:
        """The answer of one account; `patient`: also if it has to be waited for its turn."""
        self._heed(ask, account_id)
        account = await self._signed_in(account_id, patient=patient)
        call = await self._prepare(ask, account, sending=True)
        if ask.take_place is not None:
            await ask.take_place(account_id, patient)
        attempts.has_history_thinking = call.request.has_history_thinking
        thinking_dropped = False
        waited = 0.0
        while True:
            ask.facts.upstream_calls += 1
            elapsed = self._clock() - started_at
            asked_at = datetime.now(UTC)
            try:
                answer = await self._attempt(ask, call, elapsed)
            except UpstreamError as exc:
                ask.facts.upstream_request_id = exc.request_id
                ask.facts.calls.append(
                    UpstreamCall(
                        account=call.account.name,
                        outcome=type(exc).__name__,
                        started=elapsed,
                        seconds=self._clock() - started_at - elapsed,
                        waited=waited,
                        status=exc.upstream_status,
                        upstream_request_id=exc.request_id,
                        message=str(exc),
                    )
                )
                following = attempts.after(exc, self._clock() - started_at)
                if following is None:
                    if (told := self._given_up(call, exc)) is exc:
                        raise
                    raise told from exc
                log.info(
                    "trying again",
                    request_id=ask.facts.request_id,
                    account=call.account.name,
                    error=type(exc).__name__,
                    step=following.step,
                    delay=round(following.delay, 2),
                )
                await self._sleep(following.delay)
                waited = following.delay
                try:
                    call = await self._mended(ask.facts, call, following, exc)
                except UpstreamError as broken:
                    if (told := self._watch.failed(call.account, call.model_id, broken)) is broken:
                        raise
                    raise told from broken
                thinking_dropped = thinking_dropped or following.step == "without_thinking"
                continue
            if thinking_dropped:
                self._without_thinking.add(call.model_id)
            self._watch.answered(call.account, call.model_id, asked_at)
            ask.facts.first_token = self._clock() - started_at
            ask.facts.calls.append(
                UpstreamCall(
                    account=call.account.name,
                    outcome="answered",
                    started=elapsed,
                    seconds=ask.facts.first_token - elapsed,
                    waited=waited,
                    status=200,
                    upstream_request_id=ask.facts.upstream_request_id,
                )
            )
            return answer

    async def _signed_in(self, account_id: str, *, patient: bool) -> Account:
        account: Account | None = None
        with anyio.move_on_after(None if patient else TOKEN_PATIENCE):
            account = await self._accounts.get(account_id)
        if account is None:
            raise TokenPending("The account's token is being renewed, which takes long. Try again.")
        return account

    def _given_up(self, call: _Call, error: UpstreamError) -> UpstreamError:
        """What is told of a failure that nothing more is done about on this account."""
        told = self._watch.failed(call.account, call.model_id, error)
        if type(error) is AccountSignInFailed and f'"{call.account.name}"' not in str(error):
            # Told inside a stream, the refusal does not know whose it is.
            return token_refused(error, call.account)
        return told

    def _heed(self, ask: Ask, account_id: str, model: str | None = None) -> None:
        if ask.heeds_cooldowns and (refusal := self._watch.refusal(account_id, model)):
            raise refusal

    async def preview(self, ask: Ask, account: Account) -> tuple[str, bytes]:
        """The model and the exact bytes that `answer` would send first; nothing is sent."""
        call = await self._prepare(ask, account, sending=False)
        return call.model_id, call.body

    async def _prepare(self, ask: Ask, account: Account, *, sending: bool) -> _Call:
        conversation = ask.conversation
        catalogue = await self._catalogue(account)
        resolved = resolve(conversation.model, catalogue)
        if sending:
            self._heed(ask, account.id, resolved.id)
        if resolved.thinking and conversation.thinking.mode == "off":
            thinking = replace(conversation.thinking, mode="enabled")
            conversation = replace(conversation, thinking=thinking)
        model = catalogue.get(resolved.id)
        drop = self._defaults.history_thinking == "drop" or resolved.id in self._without_thinking
        options = BuildOptions(
            conversation_id=conversation_id_of(conversation, ask.caller_conversation_id)
            or str(uuid.uuid4()),
            origin=self._service.origin,
            history_thinking="drop" if drop else "native",
            fields_schema=model.fields_schema if model else None,
        )
        window = model.max_input_tokens if model else None
        return self._built(ask.facts, conversation, account, resolved.id, window, options)

    def _built(
        self,
        facts: Facts,
        conversation: Conversation,
        account: Account,
        model_id: str,
        window: int | None,
        options: BuildOptions,
    ) -> _Call:
        request = build_request(conversation, model_id, options)
        request, body = fit(
            request,
            limit=self._defaults.max_payload_bytes,
            auto_trim=self._defaults.auto_trim_payload,
            profile_arn=account.profile_arn,
        )
        if violations := lint(request.body):
            broken = violations[0]
            log.warning(
                "request breaks a rule of the service",
                request_id=facts.request_id,
                rules=[violation.rule for violation in violations],
                bytes=len(body),
            )
            raise InvalidRequest(
                f"Kiro would refuse this request: {broken.rule} ({broken.detail}).",
                code=broken.rule,
            )
        for note in request.notes:
            facts.add_note(note)
        facts.model_served = model_id
        facts.conversation_id = options.conversation_id
        facts.sent_bytes = len(body)
        if facts.bodies is not None:
            facts.bodies.kiro = body
        return _Call(conversation, account, request, body, model_id, window, options)

    async def _catalogue(self, account: Account) -> Mapping[str, Model]:
        known = await self._models.glance(account.id, patience=MODEL_LIST_PATIENCE)
        return {model.id: model for model in known or ()}

    async def _mended(
        self, facts: Facts, call: _Call, following: Next, error: UpstreamError
    ) -> _Call:
        account, options = call.account, call.options
        match following.step:
            case "again":
                return call
            case "refresh":
                assert isinstance(error, AccountSignInFailed)
                account = await refreshed(self._accounts, account, error)
            case "profile":
                account = await self._repair_profile(account)
            case "new_conversation":
                options = replace(options, conversation_id=str(uuid.uuid4()))
            case "without_thinking":
                options = replace(options, history_thinking="drop")
        return self._built(facts, call.conversation, account, call.model_id, call.window, options)

    async def _attempt(self, ask: Ask, call: _Call, elapsed: float) -> Answer:
        reply = self._new_reply(ask, call)
        generation: Generation | None = None
        limit = first_event_limit(
            self._defaults,
            (call.model_id, ask.conversation.model),
            thinking=call.request.thinking_requested,
            body_bytes=len(call.body),
            elapsed=elapsed,
        )
        try:
            first = b""
            # Without a limit of its own, this is one silence among others.
            with anyio.move_on_after(
                limit or self._defaults.idle_timeout_seconds or None
            ) as waiting:
                generation = await self._service.generate(
                    call.account, call.body, idle_timeout=self._defaults.idle_timeout_seconds
                )
                ask.facts.upstream_request_id = generation.request_id
                _ = reply.input_tokens  # counted while upstream is busy, not when it answers
                first = await _until(generation, reply, lambda: reply.frames > 0)
            if waiting.cancelled_caught or generation is None:
                raise FirstEventTimeout(
                    f"Kiro sent nothing within {limit or 0:.0f} s. Try again.", code="timeout"
                )
            first += await _until(generation, reply, lambda: reply.started)
            self._check(reply, ask.facts)
        except BaseException:
            if generation is not None:
                generation.close()
            raise
        return Answer(reply, generation, first, ask.facts, partial(self._given_up, call))

    def _check(self, reply: ReplyStream, facts: Facts) -> None:
        """Raise what must not become an answer: a failure or an end before anything was there."""
        if reply.started:
            return
        if reply.failure is not None:
            raise reply.failure
        if not reply.closed_properly:
            raise UpstreamUnreachable("Kiro sent an empty answer.", code="upstream_unreachable")
        # Upstream says that this is all. The client gets an answer without content, and is told.
        facts.add_note(Note("empty", "answer"))
        log.warning("empty answer", request_id=facts.request_id, model=facts.model_served)

    def _new_reply(self, ask: Ask, call: _Call) -> ReplyStream:
        conversation = call.conversation
        enforce = self._defaults.enforce_max_tokens
        return ReplyStream(
            KiroDecoder(
                call.request.names,
                thinking_requested=call.request.thinking_requested,
                # An answer in one piece gains nothing from fragments.
                live_tools=self._defaults.tool_streaming == "live" and conversation.stream,
                remap_builtin=self._defaults.remap_builtin_tools,
            ),
            ask.new_translator(),
            stop_sequences=conversation.stop_sequences,
            max_tokens=conversation.max_tokens if enforce else None,
            estimate_input=lambda: estimate_conversation(conversation),
            window=call.window,
        )


def _names(passed_over: Sequence[str], refusals: Sequence[Refusal]) -> list[str]:
    return list(dict.fromkeys([*passed_over, *(account.name for account, _ in refusals)]))


def _passed_over(account_name: str, error: GatewayError, elapsed: float) -> UpstreamCall:
    return UpstreamCall(
        account=account_name,
        outcome=type(error).__name__,
        started=elapsed,
        seconds=0.0,
        message=str(error),
        sent=False,
    )


async def _until(generation: Generation, reply: ReplyStream, enough: Callable[[], bool]) -> bytes:
    """Feed a reply until it is `enough`, has ended, or upstream has closed."""
    out = b""
    while not enough() and not reply.ended:
        chunk = await generation.read()
        out += reply.feed(chunk) if chunk else reply.finish()
    return out
