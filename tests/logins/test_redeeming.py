"""When a code may be sent off again."""

from datetime import UTC, datetime

import pytest

from gateway.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable, UpstreamUntrusted
from gateway.logins.flows import Flows, SignInUrls
from gateway.logins.timing import LoginTiming
from gateway.store.accounts import Credentials
from gateway.upstream.guard import Guard
from gateway.upstream.http import HttpClients
from gateway.upstream.signin.issued import SignedIn, SignInFailed

pytestmark = pytest.mark.anyio

DONE = SignedIn(Credentials(), "social")


class Service:
    """Answers one after the other, an exception being raised."""

    def __init__(self, *answers: UpstreamError | SignedIn) -> None:
        self.answers = list(answers)

    async def __call__(self, *, now: datetime) -> SignedIn:
        assert now.tzinfo is UTC
        answer = self.answers.pop(0)
        if isinstance(answer, SignedIn):
            return answer
        raise answer


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def flows(pauses: list[float]) -> Flows:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    return Flows(
        HttpClients("test").client_for,
        Guard("test"),
        SignInUrls("", "", ""),
        LoginTiming(sleep=sleep),
    )


async def test_as_long_as_nobody_is_reached(flows: Flows, pauses: list[float]) -> None:
    service = Service(UpstreamUnreachable("no"), UpstreamUnreachable("no"), DONE)
    assert await flows._redeemed(service) is DONE
    assert pauses == [2, 2]


async def test_but_not_for_ever(flows: Flows) -> None:
    service = Service(*[UpstreamUnreachable("no") for _ in range(5)])
    with pytest.raises(SignInFailed) as caught:
        await flows._redeemed(service)
    assert (caught.value.why, len(service.answers)) == ("unreachable", 2)


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (SignInFailed("used", why="code_refused"), "code_refused"),
        (UpstreamTimeout("late"), "unreachable"),
        (UpstreamUntrusted("certificate"), "unreachable"),
    ],
    ids=["refused", "no answer in time", "not trusted"],
)
async def test_never_once_it_may_have_been_spent(
    flows: Flows, problem: UpstreamError, why: str
) -> None:
    service = Service(problem, DONE)
    with pytest.raises(SignInFailed) as caught:
        await flows._redeemed(service)
    assert (caught.value.why, service.answers) == (why, [DONE])
