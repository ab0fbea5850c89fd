"""Who gets into the admin API, and what those are told who do not."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest

from gateway.web.admin.attempts import MAX_WAITING
from gateway.web.admin.client_address import FORWARDING_HEADERS
from gateway.web.auth import FREE_FAILURES
from gateway.web.server import listen
from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.pauses import Pauses

pytestmark = pytest.mark.anyio

PATHS = [
    "/admin/accounts",
    "/admin/keys",
    "/admin/settings",
    "/admin/nothing",
    "/admin",
    "/metrics",
]
FOREIGN = "https://evil.example.com"


def error(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"message", "type"}
    return answer.status_code, body["error"]["type"]


@pytest.mark.parametrize("form", ["bearer", "x-api-key"])
async def test_the_admin_key_opens_in_both_forms(admin: AdminGateway, form: str) -> None:
    headers = (
        {"authorization": f"bEARER   {admin.admin_key}"}
        if form == "bearer"
        else {"x_api_key": admin.admin_key}
    )
    assert (await admin.anonymous("GET", "/admin/accounts", **headers)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/admin/accounts", "/metrics", "/admin/accounts/", "/admin//keys"]
)
async def test_without_a_key_nothing_is_told(admin: AdminGateway, path: str) -> None:
    answer = await admin.anonymous("GET", path)
    assert error(answer) in {(401, "authentication_error"), (404, "not_found")}
    assert "social" not in answer.text


async def test_a_wrong_key_is_told_what_to_do(admin: AdminGateway) -> None:
    answer = await admin.anonymous("GET", "/admin/accounts", x_api_key="wrong")
    assert error(answer) == (401, "authentication_error")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["message"].startswith("Invalid admin key")
    assert "admin-key reset" in answer.text


async def test_an_api_key_is_no_admin_key(admin: AdminGateway) -> None:
    answer = await admin.anonymous("GET", "/admin/accounts", x_api_key=admin.key)
    assert error(answer) == (401, "authentication_error")


async def test_the_admin_key_is_no_api_key(admin: AdminGateway) -> None:
    answer = await admin.anonymous("GET", "/v1/models", x_api_key=admin.admin_key)
    assert answer.status_code == 401


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", FORWARDING_HEADERS)
async def test_a_forwarded_request_of_an_unknown_proxy_is_refused(
    admin: AdminGateway, name: str, path: str
) -> None:
    answer = await admin.call("GET", path, **{name.replace("-", "_"): "127.0.0.1"})
    assert error(answer) == (403, "permission_error")
    assert answer.json()["error"]["message"].startswith("Admin API is restricted to localhost")


async def test_every_loopback_address_is_local(admin: AdminGateway) -> None:
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(transport=transport) as http:
        answer = await http.get(
            admin.url + "/admin/version", headers={"x-api-key": admin.admin_key}
        )
    assert answer.status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    ["evil.example.com", "evil.example.com:80", "127.0.0.1.nip.io", "", "localhost,evil.com"],
)
async def test_a_host_that_is_not_ours_is_refused(
    admin: AdminGateway, host: str, path: str
) -> None:
    answer = await admin.call("GET", path, host=host)
    assert error(answer) == (403, "permission_error")
    assert "auth.admin_hosts" in answer.text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_a_page_of_another_origin_is_refused_whatever_it_asks(
    admin: AdminGateway, method: str, path: str
) -> None:
    answer = await admin.call(method, path, origin=FOREIGN)
    assert error(answer) == (403, "permission_error")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_browser_that_comes_from_another_site_is_refused(
    admin: AdminGateway, site: str
) -> None:
    answer = await admin.call("GET", "/admin/accounts", sec_fetch_site=site)
    assert error(answer) == (403, "permission_error")


async def test_our_own_page_may_do_everything(admin: AdminGateway) -> None:
    answer = await admin.call(
        "GET", "/admin/accounts", origin=admin.url, sec_fetch_site="same-origin"
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [True, False], ids=["with the key", "without"])
async def test_no_answer_may_be_framed_stored_or_guessed_at(
    admin: AdminGateway, path: str, key: bool
) -> None:
    answer = await (admin.call if key else admin.anonymous)("GET", path)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["request-id"]


async def test_unknown_paths_and_methods_are_named(admin: AdminGateway) -> None:
    assert error(await admin.call("GET", "/admin/nothing")) == (404, "not_found")
    wrong = await admin.call("PATCH", "/admin/keys")
    assert error(wrong) == (405, "invalid_request_error")
    assert wrong.headers["allow"] == "GET, POST, HEAD, OPTIONS"
    asked = await admin.call("OPTIONS", "/admin/keys")
    assert (asked.status_code, asked.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")


async def test_head_is_answered_like_get_without_a_body(admin: AdminGateway) -> None:
    answer = await admin.call("HEAD", "/admin/version")
    assert (answer.status_code, answer.content) == (200, b"")


# --- slowed failures


@pytest.fixture
async def guarded(kiro: Kiro, tmp_path: Path, pauses: Pauses) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path, timing=Timing(sleep=pauses)) as gateway:
        yield gateway


async def test_wrong_keys_are_answered_ever_later(guarded: AdminGateway, pauses: Pauses) -> None:
    for _ in range(FREE_FAILURES + 4):
        answer = await guarded.anonymous("GET", "/admin/accounts", x_api_key="wrong")
        assert answer.status_code == 401
    assert pauses == [0.25, 0.5, 1.0, 2.0]


async def test_asking_without_a_key_is_no_guess(guarded: AdminGateway, pauses: Pauses) -> None:
    for _ in range(FREE_FAILURES + 4):
        assert (await guarded.anonymous("GET", "/admin/accounts")).status_code == 401
    assert pauses == []


async def test_guessing_side_by_side_is_no_faster(kiro: Kiro, tmp_path: Path) -> None:
    held = anyio.Event()
    waiting: list[float] = []

    async def hold(seconds: float) -> None:
        waiting.append(seconds)
        await held.wait()

    async with admin_gateway(kiro, tmp_path, timing=Timing(sleep=hold)) as gateway:
        statuses: list[int] = []

        async def guess(key: str) -> None:
            answer = await gateway.anonymous("GET", "/admin/accounts", x_api_key=key)
            statuses.append(answer.status_code)

        for _ in range(FREE_FAILURES):
            await guess("wrong")
        async with anyio.create_task_group() as tasks:
            for _ in range(MAX_WAITING):
                tasks.start_soon(guess, "wrong")
            while len(waiting) < MAX_WAITING:
                await anyio.wait_all_tasks_blocked()
            refused = await gateway.anonymous("GET", "/admin/accounts", x_api_key="wrong")
            right = await gateway.call("GET", "/admin/accounts")
            held.set()
        assert error(refused) == error(right) == (429, "rate_limit_error")
        assert int(refused.headers["retry-after"]) > 0
        assert statuses == [401] * (FREE_FAILURES + MAX_WAITING)
        assert (await gateway.call("GET", "/admin/accounts")).status_code == 200


# --- settings


async def test_a_configured_key_is_the_only_one(kiro: Kiro, tmp_path: Path) -> None:
    async with admin_gateway(kiro, tmp_path) as gateway:
        made = gateway.admin_key
    async with admin_gateway(kiro, tmp_path / "other", auth={"admin_key": "hunter2"}) as gateway:
        assert (await gateway.call("GET", "/admin/version")).status_code == 200
        old = await gateway.anonymous("GET", "/admin/version", x_api_key=made)
        assert error(old) == (401, "authentication_error")


async def test_a_listed_origin_may_call_with_credentials(kiro: Kiro, tmp_path: Path) -> None:
    listed = "https://console.example.com"
    async with admin_gateway(kiro, tmp_path, server={"cors_origins": (listed,)}) as gateway:
        asked = await gateway.anonymous(
            "OPTIONS",
            "/admin/keys/x",
            origin=listed,
            access_control_request_method="PUT",
            access_control_request_headers="authorization",
        )
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == listed
        assert asked.headers["access-control-allow-credentials"] == "true"
        assert "PUT" in asked.headers["access-control-allow-methods"]
        for call in (gateway.call, gateway.anonymous):
            answer = await call("GET", "/admin/keys", origin=listed, sec_fetch_site="cross-site")
            assert answer.headers["access-control-allow-origin"] == listed
            assert answer.headers["vary"] == "Origin"
        refused = await gateway.call("GET", "/admin/keys", origin=FOREIGN)
        assert error(refused) == (403, "permission_error")
        assert "access-control-allow-origin" not in refused.headers


async def test_a_trusted_proxy_on_this_machine_speaks_for_its_clients(
    kiro: Kiro, tmp_path: Path
) -> None:
    server = {"trusted_proxies": ("127.0.0.1",)}
    auth = {"admin_allowed_networks": ("198.51.100.0/24",), "admin_hosts": ("admin.example.com",)}
    async with admin_gateway(kiro, tmp_path, server=server, auth=auth) as gateway:

        async def status(**headers: str) -> int:
            return (await gateway.call("GET", "/admin/version", **headers)).status_code

        assert await status() == 403
        assert await status(x_forwarded_for="203.0.113.9") == 403
        assert await status(x_forwarded_for="127.0.0.1, 203.0.113.9") == 403
        assert await status(x_forwarded_for="198.51.100.7") == 200
        assert await status(x_forwarded_for="203.0.113.9, 198.51.100.7") == 200
        assert await status(x_forwarded_for="127.0.0.1") == 200
        ours = {"x_forwarded_for": "198.51.100.7", "x_forwarded_proto": "https"}
        ours["host"] = "admin.example.com"
        assert await status(**ours) == 200
        assert await status(**ours, origin="https://admin.example.com") == 200
        assert await status(**ours, origin="http://admin.example.com") == 403
        signed_in = await gateway.call("POST", "/admin/session", **ours)
        assert "; Secure" in signed_in.headers["set-cookie"]


async def test_without_local_only_other_machines_need_the_key_and_a_known_host(
    kiro: Kiro, tmp_path: Path
) -> None:
    auth = {"admin_local_only": False}
    server = {"trusted_proxies": ("127.0.0.1",)}
    async with admin_gateway(kiro, tmp_path, auth=auth, server=server) as gateway:
        far = {"x_forwarded_for": "203.0.113.9"}
        assert (await gateway.call("GET", "/admin/version", **far)).status_code == 200
        assert (await gateway.anonymous("GET", "/admin/version", **far)).status_code == 401
        assert (
            await gateway.call("GET", "/admin/version", host="evil.com", **far)
        ).status_code == 403


async def test_the_listening_address_is_a_host_of_ours(kiro: Kiro, tmp_path: Path) -> None:
    sock = listen("127.0.0.1", 0)
    async with admin_gateway(kiro, tmp_path, sock=sock) as gateway:
        for host in ("localhost", "127.0.0.1", "[::1]"):
            answer = await gateway.call("GET", "/admin/version", host=host)
            assert answer.status_code == 200
