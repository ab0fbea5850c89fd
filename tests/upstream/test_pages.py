"""Lists that come in pages, from a service that does not always play by the rules."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.errors import UpstreamBadGateway, UpstreamError
from gateway.settings import Settings
from gateway.store.accounts import Account, Credentials
from gateway.upstream.client import KiroService
from gateway.upstream.http import HttpClients
from gateway.upstream.models import MAX_PAGES, fetch_models
from gateway.upstream.profiles import Profile, list_profiles
from tests.sample_store import ARN, NOW
from tests.sign_in_service import Answer, Asked, SignInService, sign_in_service

pytestmark = pytest.mark.anyio

ACCOUNT = Account(
    id="a",
    name="work",
    enabled=True,
    auth_method="idc",
    auth_region="eu-west-1",
    api_region=None,
    proxy=None,
    profile_arn=ARN,
    email=None,
    subscription=None,
    credentials=Credentials(access_token="access"),
    generation=1,
    created_at=NOW,
    updated_at=NOW,
)


@dataclass
class Service:
    """Kiro as a list of answers for each region."""

    service: SignInService
    kiro: KiroService
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def reply(self, asked: Asked) -> Answer:
        region = asked.path.strip("/")
        several = self.answers.get(region, self.answers.get("*", []))
        return several.pop(0) if len(several) > 1 else several[0]


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    clients = HttpClients("kiro-gateway/test")
    async with sign_in_service() as running:
        upstream = Settings().upstream
        settings = type(upstream)(management_url=running.url + "/{region}")
        made = Service(running, KiroService(clients, settings))
        running.reply = made.reply
        yield made
    await clients.aclose()


def models(*names: str, following: str | None = None, **more: Any) -> Answer:
    page = {"models": [{"modelId": name} for name in names], "nextToken": following, **more}
    return Answer(200, page)


def asked_tokens(service: Service) -> Sequence[str | None]:
    return [asked.json.get("nextToken") for asked in service.service.requests]


async def test_all_pages_of_models_are_read_in_order(service: Service) -> None:
    service.answers["*"] = [
        models("auto", "a", following="t1", defaultModel={"modelId": "auto"}),
        models("b", following="t2"),
        models("a", "c"),
    ]
    found = await fetch_models(service.kiro, ACCOUNT)
    assert [model.id for model in found] == ["auto", "a", "b", "c"]
    assert [model.id for model in found if model.is_default] == ["auto"]
    assert asked_tokens(service) == [None, "t1", "t2"]
    assert service.service.requests[0].json["profileArn"] == ARN


@pytest.mark.parametrize("token", ["t1", ""])
async def test_a_token_that_repeats_ends_the_list(service: Service, token: str) -> None:
    service.answers["*"] = [models("a", following="t1"), models("b", following=token)]
    assert [model.id for model in await fetch_models(service.kiro, ACCOUNT)] == ["a", "b"]
    assert len(service.service.requests) == 2


async def test_tokens_without_end_are_not_followed_for_ever(service: Service) -> None:
    numbers = iter(range(1000))
    service.service.reply = lambda _: models("a", following=f"t{next(numbers)}")
    await fetch_models(service.kiro, ACCOUNT)
    assert len(service.service.requests) == MAX_PAGES


async def test_a_page_that_fails_is_no_shorter_list(service: Service) -> None:
    service.answers["*"] = [models("a", following="t1"), Answer(500, {})]
    with pytest.raises(UpstreamError):
        await fetch_models(service.kiro, ACCOUNT)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"models": 5}'])
async def test_a_list_that_cannot_be_read_is_upstreams_fault(service: Service, body: bytes) -> None:
    service.answers["*"] = [Answer(200, body)]
    with pytest.raises(UpstreamBadGateway):
        await fetch_models(service.kiro, ACCOUNT)


def profiles(*names: str, region: str = "us-east-1", following: str | None = None) -> Answer:
    listed = [
        {"arn": f"arn:aws:codewhisperer:{region}:111122223333:profile/{name}", "profileName": name}
        for name in names
    ]
    return Answer(200, {"profiles": listed, "nextToken": following})


async def test_profiles_of_all_regions_are_listed_by_name(service: Service) -> None:
    service.answers = {
        "us-east-1": [profiles("zebra", following="t1"), profiles("zebra", "mule")],
        "eu-central-1": [profiles("ant", region="eu-central-1")],
    }
    found = await list_profiles(service.kiro, ACCOUNT)
    assert [(one.name, one.region) for one in found] == [
        ("ant", "eu-central-1"),
        ("mule", "us-east-1"),
        ("zebra", "us-east-1"),
    ]


async def test_a_region_that_fails_is_passed_over(service: Service) -> None:
    service.answers = {"us-east-1": [Answer(500, {})], "eu-central-1": [profiles("ant")]}
    assert [one.name for one in await list_profiles(service.kiro, ACCOUNT)] == ["ant"]


async def test_when_no_region_answers_that_is_a_failure_and_not_none(service: Service) -> None:
    service.answers["*"] = [Answer(500, {})]
    with pytest.raises(UpstreamError):
        await list_profiles(service.kiro, ACCOUNT)
    service.answers["*"] = [profiles()]
    assert await list_profiles(service.kiro, ACCOUNT) == ()


@pytest.mark.parametrize(
    ("arn", "region"),
    [
        (ARN, ARN.split(":")[3]),
        ("arn:aws:transform:eu-central-1:111122223333:profile/X", "eu-central-1"),
        ("none", ""),
        ("", ""),
    ],
)
def test_a_profile_knows_its_region(arn: str, region: str) -> None:
    assert Profile(arn, "").region == region
