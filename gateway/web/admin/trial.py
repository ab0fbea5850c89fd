"""POST /admin/accounts/{id}/test: one live round trip."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import GatewayError
from gateway.relay.facts import Facts
from gateway.relay.trial import Trial, ask_briefly, cheapest
from gateway.web.admin.accounts import account_named
from gateway.web.admin.call import Call
from gateway.web.admin.errors import ErrorDetail, shape_of
from gateway.web.admin.kiro import usable


class TestOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which model to ask; by default the one that costs least."""

    model: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class TestResult(msgspec.Struct, frozen=True):
    """How the round trip went: `text` when it did, `error` when it did not."""

    ok: bool
    account: str
    model: str | None
    text: str | None
    error: ErrorDetail | None
    first_token_ms: int | None
    duration_ms: int
    credits: float | None
    upstream_calls: int


async def test(call: Call) -> TestResult:
    """Ask an account something short. What the service refuses is a result, not an error."""
    order = await call.body(TestOrder)
    services = call.services
    account = usable(await account_named(services, call.variables["id"]))
    await services.directory.reload()
    facts = Facts(request_id=call.exchange.facts.request_id)
    try:
        model = order.model or cheapest((await services.models.get(account.id)).value)
    except GatewayError as exc:
        return _result(account.name, Trial(None, exc, facts, 0.0))
    return _result(account.name, await ask_briefly(services.relay, account.id, model, facts))


def _result(account_name: str, trial: Trial) -> TestResult:
    usage, first_token, error = trial.facts.usage, trial.facts.first_token, trial.error
    return TestResult(
        ok=error is None,
        account=account_name,
        model=trial.facts.model_served,
        text=trial.text,
        error=ErrorDetail(str(error), shape_of(error)[1]) if error else None,
        first_token_ms=round(first_token * 1000) if first_token is not None else None,
        duration_ms=round(trial.seconds * 1000),
        credits=usage.credits if usage else None,
        upstream_calls=trial.facts.upstream_calls,
    )
