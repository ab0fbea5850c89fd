"""A defect tells whoever debugs it much, but nothing that signs anybody in."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from gateway.logs import configure_logging
from gateway.relay.relay import Ask, Relay
from gateway.store.accounts import Account
from tests.harness import ACCOUNTS, Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway

pytestmark = pytest.mark.anyio

# What the service gives out has forms of its own; these can be told by their names alone.
CLIENT_SECRET = 'hush client\'secret "of" no form'
PLAIN_TOKEN = "hush-of-no-form-at-all"


class BrokenRelay:
    """Fails with everything in its message that it could get hold of."""

    def __init__(self, *held: object) -> None:
        self._held = held
        self._body = {"client_secret": CLIENT_SECRET, "nested": [{"accessToken": PLAIN_TOKEN}]}

    async def answer(self, ask: Ask) -> Any:
        quoted = json.dumps({"body": json.dumps(self._body)})
        text = f"refresh_token={PLAIN_TOKEN}&x=1\nAuthorization: Bearer {PLAIN_TOKEN}"
        try:
            raise KeyError(repr(self._body), self._body, quoted, text)
        except KeyError as exc:
            raise RuntimeError(f"cannot send {ask!r} with {self._held!r}: {exc}") from exc

    async def preview(self, ask: Ask, account: Account) -> Any:
        return await self.answer(ask)


@pytest.fixture(params=["console", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = structlog.get_config()
    configure_logging("debug", request.param, stream=stream, colors=False)
    yield stream
    structlog.configure(**before)


def everything_secret(gateway: AdminGateway) -> set[str]:
    found = {gateway.key, gateway.admin_key, CLIENT_SECRET, PLAIN_TOKEN}
    for account in ACCOUNTS.values():
        held = (account.access_token, account.refresh_token, account.client_secret, account.api_key)
        found |= {secret for secret in held if secret}
    return found


def stored_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("gateway.db*"))


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path, log: io.StringIO) -> Any:
    async with admin_gateway(kiro, tmp_path) as gateway:
        yield gateway


async def test_a_defect_inside_a_request_shows_no_secret(
    own: AdminGateway, log: io.StringIO, tmp_path: Path
) -> None:
    services = own.services
    social = ACCOUNTS["social"]
    pasted = f"my key is {own.key}, and my token {social.access_token}"
    body = {"model": own.key, "max_tokens": 9, "messages": [{"role": "user", "content": pasted}]}
    accounts, keys = list(services.directory.accounts), list(services.directory.api_keys)
    held = (accounts, [one.credentials for one in accounts], keys, services.settings)
    broken: Any = BrokenRelay(*held, dict(ACCOUNTS), body, own.key, own.admin_key)
    works: Relay = services.relay
    services.relay = broken
    answers: list[httpx.Response] = []
    for stream in (False, True):
        for path in ("/v1/messages", "/v1/chat/completions"):
            asked = {**body, "stream": stream}
            headers = {"authorization": f"Bearer {own.key}", "cookie": f"token={PLAIN_TOKEN}"}
            answers.append(await own.http.post(own.url + path, json=asked, headers=headers))
            order = {"path": path, "body": asked, "account": "social"}
            answers.append(await own.call("POST", "/admin/playground", order))
            answers.append(await own.call("POST", "/admin/preview", order))
    services.relay = works
    await services.usage.flush()
    rows = await own.get("/admin/requests")
    assert {answer.status_code for answer in answers} == {500}
    assert log.getvalue().count("cannot send") >= len(answers), "the defect is told"
    told = "\n".join([*(answer.text + str(answer.headers) for answer in answers), str(rows)])
    stored = stored_in(tmp_path)
    for secret in everything_secret(own):
        for shown in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]):
            assert shown not in log.getvalue()
            assert shown not in told
            assert shown.encode() not in stored


async def test_a_defect_beside_the_requests_shows_no_secret(
    kiro: Kiro, tmp_path: Path, log: io.StringIO
) -> None:
    async with admin_gateway(kiro, tmp_path) as gateway:
        defect = ValueError({"refresh_token": PLAIN_TOKEN, "key": gateway.key})
        structlog.get_logger("gateway.test").error("task broke", exc_info=defect)
    assert "task broke" in log.getvalue()
    assert PLAIN_TOKEN not in log.getvalue()
    assert gateway.key not in log.getvalue()
