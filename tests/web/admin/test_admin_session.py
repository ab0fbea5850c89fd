"""Browsers: sessions, one-time links, and what a session does not open."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

from gateway.store.admin import reset_admin_key
from gateway.web.admin.identity import (
    LINK_PATH,
    SESSION_COOKIE,
    ensure_admin_key,
    new_one_time_link,
)
from gateway.web.auth import FREE_FAILURES
from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.pauses import Pauses

pytestmark = pytest.mark.anyio


@pytest.fixture
async def own(kiro: Kiro, tmp_path: Path, pauses: Pauses) -> AsyncIterator[AdminGateway]:
    async with admin_gateway(kiro, tmp_path, timing=Timing(sleep=pauses)) as gateway:
        yield gateway


async def sign_in(gateway: AdminGateway, body: object) -> httpx.Response:
    return await gateway.http.post(gateway.url + "/admin/session", json=body)


async def cookie_of(gateway: AdminGateway) -> str:
    answer = await sign_in(gateway, {"admin_key": gateway.admin_key})
    assert answer.status_code == 200
    gateway.http.cookies.clear()
    return f"{SESSION_COOKIE}={SimpleCookie(answer.headers['set-cookie'])[SESSION_COOKIE].value}"


async def test_the_key_begins_a_session_that_ends_at_sign_out(admin: AdminGateway) -> None:
    cookie = await cookie_of(admin)
    assert (await admin.anonymous("GET", "/admin/accounts", cookie=cookie)).status_code == 200
    out = await admin.anonymous("DELETE", "/admin/session", cookie=cookie)
    assert (out.status_code, out.json()) == (200, {"deleted": True})
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert (await admin.anonymous("GET", "/admin/accounts", cookie=cookie)).status_code == 401


async def test_the_key_may_come_as_a_header_too(admin: AdminGateway) -> None:
    answer = await admin.call("POST", "/admin/session")
    admin.http.cookies.clear()
    assert answer.status_code == 200
    assert answer.json().keys() == {"expires_at"}


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(admin: AdminGateway) -> None:
    answer = await sign_in(admin, {"admin_key": admin.admin_key})
    admin.http.cookies.clear()
    morsel = SimpleCookie(answer.headers["set-cookie"])[SESSION_COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", "/")
    assert not morsel["secure"]  # this one is plain http
    assert morsel.value not in answer.text


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_session_does_nothing_for_a_foreign_page(admin: AdminGateway, method: str) -> None:
    cookie = await cookie_of(admin)
    for headers in (
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"host": "evil.example.com", "origin": "http://evil.example.com"},
    ):
        answer = await admin.anonymous(method, "/admin/session", cookie=cookie, **headers)
        assert answer.status_code == 403
    assert (await admin.anonymous("GET", "/admin/accounts", cookie=cookie)).status_code == 200


async def test_a_session_may_change_things_from_our_own_page(admin: AdminGateway) -> None:
    cookie = await cookie_of(admin)
    answer = await admin.http.put(
        admin.url + "/admin/settings/body-capture",
        json={"minutes": 0},
        headers={"cookie": cookie, "origin": admin.url, "sec-fetch-site": "same-origin"},
    )
    assert answer.status_code == 200


async def test_a_session_is_no_api_key(admin: AdminGateway) -> None:
    cookie = await cookie_of(admin)
    assert (await admin.anonymous("GET", "/v1/models", cookie=cookie)).status_code == 401


@pytest.mark.parametrize(
    "cookie", ["kiro_gateway_session=", "kiro_gateway_session=guess", "other=1", '"', "=;="]
)
async def test_other_cookies_open_nothing(admin: AdminGateway, cookie: str) -> None:
    assert (await admin.anonymous("GET", "/admin/accounts", cookie=cookie)).status_code == 401


async def test_a_wrong_key_wins_over_a_good_cookie(admin: AdminGateway) -> None:
    cookie = await cookie_of(admin)
    answer = await admin.anonymous("GET", "/admin/accounts", cookie=cookie, x_api_key="wrong")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"admin_key": "wrong"}, 401),
        ({"link": "wrong"}, 401),
        ({"admin_key": ""}, 400),
        ({"password": "x"}, 400),
        ([], 400),
    ],
    ids=repr,
)
async def test_nothing_else_begins_a_session(
    admin: AdminGateway, body: object, status: int
) -> None:
    answer = await sign_in(admin, body)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


async def test_a_link_signs_in_once(own: AdminGateway) -> None:
    link = await new_one_time_link(own.services, own.url)
    assert link.startswith(own.url + LINK_PATH)
    token = link.removeprefix(own.url + LINK_PATH)
    first = await sign_in(own, {"link": token})
    assert first.status_code == 200
    assert (await own.anonymous("GET", "/admin/accounts")).status_code == 200  # by its cookie
    own.http.cookies.clear()
    second = await sign_in(own, {"link": token})
    assert second.status_code == 401
    assert "set-cookie" not in second.headers


async def test_guessing_links_is_slowed(own: AdminGateway, pauses: Pauses) -> None:
    for _ in range(FREE_FAILURES + 2):
        await sign_in(own, {"link": "wrong"})
    assert pauses == [0.25, 0.5]


async def test_another_admin_key_ends_every_session(own: AdminGateway) -> None:
    cookie = await cookie_of(own)
    async with own.services.database.begin() as db:
        key = await reset_admin_key(db, now=datetime.now(UTC))
    assert (await own.anonymous("GET", "/admin/accounts", cookie=cookie)).status_code == 401
    assert (await own.call("GET", "/admin/accounts")).status_code == 401
    assert (await own.anonymous("GET", "/admin/accounts", x_api_key=key)).status_code == 200


async def test_an_admin_key_is_made_and_told_once(own: AdminGateway) -> None:
    assert await ensure_admin_key(own.services) is None


async def test_anybody_may_ask_whether_they_are_signed_in(own: AdminGateway) -> None:
    async def state(**headers: str) -> object:
        answer = await own.anonymous("GET", "/admin/session", **headers)
        assert answer.status_code == 200
        return answer.json()

    assert await state() == {"signed_in": False}
    cookie = await cookie_of(own)
    own.http.cookies.clear()
    assert await state(cookie=cookie) == {"signed_in": True}
    assert await state(cookie=cookie + "x") == {"signed_in": False}
    await own.anonymous("DELETE", "/admin/session", cookie=cookie)
    assert await state(cookie=cookie) == {"signed_in": False}
    foreign = await own.anonymous("GET", "/admin/session", origin="https://evil.example.com")
    assert foreign.status_code == 403
