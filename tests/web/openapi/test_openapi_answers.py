"""What a running gateway really answers, held against its document: every operation, done well."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from gateway.logins.timing import LoginTiming
from gateway.store.usage import Attempt, Bodies, RequestDetail
from gateway.web.openapi.surface import OPERATIONS, document
from gateway.web.page_files import PageFiles
from gateway.web.timing import Timing
from tests.harness import Kiro, running_kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.admin.local_sign_in import sign_in_of_the_ide
from tests.web.admin.request_rows import sample_of, store
from tests.web.openapi.sign_ins import sign_ins
from tests.web.sign_in.manual_time import ManualTime

pytestmark = pytest.mark.anyio

DOCUMENT: dict[str, Any] = json.loads(document())

ASK = {"model": "auto", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}

STREAM = ASK | {"stream": True}
MESSAGES = "/v1/messages"

CHANNEL = {"type": "teams", "url": "http://127.0.0.1:9/hook", "name": "ops"}


@dataclass(frozen=True)
class Asked:
    """One call; `path` is as the document has it, `address` as it is sent."""

    method: str
    path: str
    address: str = ""
    body: Any = None
    accept: str = "application/json"


ADMIN = [
    Asked("POST", "/admin/accounts", body={"name": "new"}),
    Asked("GET", "/admin/accounts"),
    Asked("GET", "/admin/accounts/{id}", "/admin/accounts/social"),
    Asked("PUT", "/admin/accounts/{id}", "/admin/accounts/new", {"enabled": True}),
    Asked("POST", "/admin/accounts/{id}/test", "/admin/accounts/social/test"),
    Asked("GET", "/admin/accounts/{id}/health", "/admin/accounts/social/health"),
    Asked("GET", "/admin/kiro/import-local"),
    Asked("POST", "/admin/kiro/import-local", body={"account": "new"}),
    Asked("DELETE", "/admin/accounts/{id}", "/admin/accounts/new"),
    Asked("POST", "/admin/keys", body={"name": "new", "kiro_accounts": ["social"]}),
    Asked("GET", "/admin/keys"),
    Asked("GET", "/admin/keys/{id}", "/admin/keys/new"),
    Asked("PUT", "/admin/keys/{id}", "/admin/keys/new", {"tokens_per_day": 5}),
    Asked("GET", "/admin/keys/{id}/usage", "/admin/keys/new/usage"),
    Asked("POST", "/admin/keys/{id}/rotate", "/admin/keys/new/rotate"),
    Asked("DELETE", "/admin/keys/{id}", "/admin/keys/new"),
    Asked("GET", "/admin/kiro/status", "/admin/kiro/status?account=social"),
    Asked("POST", "/admin/kiro/refresh", "/admin/kiro/refresh?account=social"),
    Asked("GET", "/admin/kiro/usage-limits", "/admin/kiro/usage-limits?account=social"),
    Asked("GET", "/admin/attention"),
    Asked("GET", "/admin/kiro/quotas"),
    Asked("GET", "/admin/kiro/quotas", "/admin/kiro/quotas?refresh=true"),
    Asked("GET", "/admin/kiro/profiles", "/admin/kiro/profiles?account=organisation"),
    Asked("GET", "/admin/kiro/models", "/admin/kiro/models?account=social"),
    Asked("GET", "/admin/accounts"),  # with a quota now
    Asked("GET", "/admin/usage", "/admin/usage?group_by=key,account,model,source,day"),
    Asked("GET", "/admin/usage", accept="text/csv"),
    Asked("GET", "/admin/requests"),
    Asked("GET", "/admin/requests/{id}", "/admin/requests/req-1"),
    Asked("POST", "/admin/requests/{id}/replay", "/admin/requests/req-1/replay"),
    Asked("POST", "/admin/preview", body={"path": "/v1/messages", "account": "key", "body": ASK}),
    Asked("POST", "/admin/playground", body={"path": MESSAGES, "key_id": "test", "body": ASK}),
    Asked("POST", "/admin/playground", body={"path": MESSAGES, "key_id": "test", "body": {}}),
    Asked("POST", "/admin/playground", body={"path": MESSAGES, "account": "key", "body": STREAM}),
    Asked("PUT", "/admin/notifications", body={"channels": [CHANNEL], "daily_times": ["09:00"]}),
    Asked("PUT", "/admin/notifications", body={"check_interval_seconds": 0}),
    Asked("GET", "/admin/notifications"),
    Asked("POST", "/admin/notifications/test"),
    Asked("GET", "/admin/notifications/teams"),
    Asked("PUT", "/admin/notifications/teams", body={"enabled": True}),
    Asked("GET", "/admin/settings"),
    Asked("PUT", "/admin/settings/body-capture", body={"minutes": 1}),
    Asked("GET", "/admin/version"),
    Asked("GET", "/admin/session"),
    Asked("POST", "/admin/session"),
    Asked("DELETE", "/admin/session"),
    Asked("GET", "/metrics", accept="text/plain"),
    Asked("GET", "/admin/keys/{id}", "/admin/keys/nobody"),
    Asked("POST", "/admin/keys", body={}),
    Asked("POST", "/admin/accounts", body={"name": "social"}),
    Asked("GET", "/admin/keys", "/admin/keys?q=" + "x" * 20_000),
]
PUBLIC = [
    Asked("GET", "/"),
    Asked("GET", "/api/hello"),
    Asked("GET", "/health"),
    Asked("GET", "/ready"),
    Asked("GET", "/openapi.json"),
    Asked("GET", "/ui", accept="text/html"),
]
CLIENT = [
    Asked("POST", "/v1/messages", body=ASK),
    Asked("POST", "/v1/messages", body=ASK | {"stream": True}),
    Asked("POST", "/v1/messages/count_tokens", body=ASK),
    Asked("POST", "/v1/chat/completions", body=ASK),
    Asked("POST", "/v1/chat/completions", body={}),
    Asked("GET", "/v1/models"),
    Asked("GET", "/v1/models", "/v1/models?client_version=1"),
    Asked("GET", "/models"),
    Asked("GET", "/v1/models/{id}", "/v1/models/anthropic.auto"),
    Asked("GET", "/v1/models/{id}", "/v1/models/nothing"),
    Asked("GET", "/v1/kiro/usage-limits"),
    Asked("GET", "/v1/usage"),
]
FORCED = [
    replace(
        asked,
        path="/a/{kiro_account}" + asked.path,
        address="/a/social" + (asked.address or asked.path),
    )
    for asked in CLIENT
]


def complaints(asked: Asked, answer: httpx.Response) -> list[str]:
    """What of an answer its document does not allow."""
    described = DOCUMENT["paths"][asked.path][asked.method.lower()]["responses"]
    if str(answer.status_code) not in described:
        return [f"status {answer.status_code} is not documented: {answer.text[:500]}"]
    content = described[str(answer.status_code)].get("content", {})
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if not content:
        return [f"{media_type}, but nothing is documented"] if answer.content else []
    if media_type not in content:
        return [f"media type {media_type!r} is not documented"]
    schema = content[media_type]["schema"]
    if media_type != "application/json":
        return []
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [
        f"{error.instance_path}: {error.message}" for error in validator.iter_errors(answer.json())
    ]


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
async def gateway(tmp_path: Path, time: ManualTime) -> AsyncIterator[AdminGateway]:
    timing = Timing(logins=LoginTiming(clock=time.clock, sleep=time.sleep))
    async with running_kiro() as kiro, admin_gateway(kiro, tmp_path, timing=timing) as gateway:
        place = tmp_path / "ide" / "kiro-auth-token.json"
        sign_in_of_the_ide(place)
        gateway.services.admin.local_places = [place]
        (tmp_path / "index.html").write_text("<p>pages</p>")
        gateway.services.pages = PageFiles(tmp_path)
        sample = await sample_of(gateway)
        detail = RequestDetail(notes=("dropped:top_k",), attempts=(Attempt("a", "answered", 1, 2),))
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        bodies = Bodies(expires_at, json.dumps(ASK).encode())
        await store(gateway, [replace(sample, detail=detail, bodies=bodies)])
        yield gateway


async def test_every_operation_answers_as_documented(
    gateway: AdminGateway, time: ManualTime
) -> None:
    wrong: dict[str, list[str]] = {}
    done_well: set[tuple[str, str]] = set()
    async for method, path, answer in sign_ins(gateway, time):
        asked = Asked(method, path)
        if found := complaints(asked, answer):
            wrong[f"{method} {path}"] = found
        done_well.add((method, path))
    for asked in [*PUBLIC, *ADMIN, *CLIENT, *FORCED]:
        key = gateway.admin_key if asked.path.startswith(("/admin", "/metrics")) else gateway.key
        answer = await gateway.http.request(
            asked.method,
            gateway.url + (asked.address or asked.path),
            json=asked.body,
            headers={"x-api-key": key, "accept": asked.accept},
        )
        if found := complaints(asked, answer):
            wrong[f"{asked.method} {asked.address or asked.path}"] = found
        if answer.status_code < 400:
            done_well.add((asked.method, asked.path))
    assert wrong == {}
    assert done_well == {(operation.method, operation.path) for operation in OPERATIONS}


async def test_an_answer_that_differs_would_be_noticed(gateway: AdminGateway, kiro: Kiro) -> None:
    asked = Asked("GET", "/admin/version")
    request = httpx.Request("GET", gateway.url)
    assert complaints(asked, httpx.Response(418, json={}, request=request))
    assert complaints(asked, httpx.Response(200, json={"version": 1}, request=request))
    assert complaints(asked, httpx.Response(200, text="1.0", request=request))
