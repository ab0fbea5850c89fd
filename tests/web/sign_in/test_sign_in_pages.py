"""What the browser shows at the end of a sign-in."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from gateway.errors import Conflict
from gateway.logins.login import Login, Status, Step
from gateway.upstream.profiles import Profile
from gateway.upstream.signin.callback import CallbackRefused, Kind
from gateway.upstream.signin.issued import Why
from gateway.web.callback.pages import (
    POLICY,
    Language,
    language_of,
    login_page,
    missing_page,
    refused_page,
)
from tests.web.sign_in.sign_in_gateway import NEW, SignInGateway

pytestmark = pytest.mark.anyio

LANGUAGES: tuple[Language, ...] = ("en", "zh")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
EVIL = "\"><script>alert('x')</script>&"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def a_login(**changes: Any) -> Login:
    login = Login(
        id="id",
        account_id="account",
        method="portal",
        created_at=NOW,
        expires_at=NOW,
        step="browser",
        user_code="WXYZ-1234",
        verification_uri_complete="https://device.example/?user_code=WXYZ-1234",
        provider_url="https://login.example.com/authorize?a=b&c=d",
        profiles=(Profile("arn:1", "one"), Profile("arn:2", EVIL)),
        current_profile="arn:2",
    )
    for name, value in changes.items():
        setattr(login, name, value)
    return login


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("zh;q=0.1, en", "en"),
        ("fr-FR, de;q=0.9", "en"),
        ("fr, zh;q=0.5", "zh"),
        ("*", "en"),
        ("zh;q=nonsense, en", "en"),
        ("zh" * 5000, "zh"),
        (";;;,,,", "en"),
    ],
)
def test_the_browser_chooses_the_language(accept: str, language: str) -> None:
    assert language_of(accept) == language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", get_args(Step))
async def test_every_step_has_a_page(step: Step, language: Language) -> None:
    page = login_page(a_login(step=step), language)
    check(page, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [each for each in get_args(Status) if each != "pending"])
@pytest.mark.parametrize("why", [None, *get_args(Why)])
async def test_every_end_has_a_page(status: Status, why: Why | None, language: Language) -> None:
    if (status in {"error", "expired"}) is (why is None):
        return
    page = login_page(a_login(status=status, why=why, message=f"What happened. {EVIL}"), language)
    check(page, language)
    assert ("What happened." in page) is (language == "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [*get_args(Kind), None])
async def test_every_refusal_has_a_page(kind: Kind | None, language: Language) -> None:
    problem = CallbackRefused(EVIL, kind=kind) if kind else Conflict(EVIL)
    check(refused_page(problem, language), language)
    page = login_page(a_login(step="identity_provider"), language, problem=problem)
    check(page, language)
    assert page.count('role="alert"') == 1


@pytest.mark.parametrize("language", LANGUAGES)
async def test_whoever_is_lost_is_told(language: Language) -> None:
    check(missing_page(language), language)


def check(page: str, language: Language) -> None:
    """A whole page in one language, with nothing in it that could run or load."""
    assert page.startswith(f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}">')
    assert bool(CHINESE.search(page)) is (language == "zh")
    assert not re.search(
        r"<script|<img|<iframe|<link|javascript:|\son\w+=|src=", page, re.IGNORECASE
    )
    style = re.search(r"<style>(.*?)</style>", page)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in POLICY


async def test_a_profile_is_chosen_on_the_page(gateway: SignInGateway) -> None:
    profiles = [{"region": "us-east-1", "name": "red"}, {"region": "eu-central-1", "name": "blue"}]
    order = {"account": "organisation", "profiles": profiles}
    await gateway.kiro.control("PUT", "/profiles", order)
    decision = {"decision": "approve", "account": "organisation"}
    await gateway.kiro.control("PUT", "/device", decision)
    begun = await gateway.begin()
    await gateway.order(way="awsidc")
    await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    await gateway.poll(begun["id"])
    told = await gateway.until(begun["id"], "profile")
    address = f"http://localhost:{told['port']}/login/{gateway.login(begun['id']).page}"
    page = await gateway.visit(address)
    assert "red" in page.text
    again = await gateway.browser.post(address, data={"profile": "arn:of:another"})
    assert (again.status_code, 'role="alert"' in again.text) == (400, True)
    (red,) = (each["arn"] for each in told["profiles"] if each["name"] == "red")
    done = await gateway.browser.post(address, data={"profile": red})
    assert (done.status_code, "Signed in" in done.text) == (200, True)
    account = await gateway.admin.get(f"/admin/accounts/{NEW}")
    assert account["token_info"]["profile_arn"] == red


async def test_the_page_of_a_sign_in_that_is_over_tells_its_end(gateway: SignInGateway) -> None:
    begun, other = await gateway.begin(), await gateway.begin()  # so that the port stays open
    address = f"http://localhost:{begun['port']}/login/{gateway.login(begun['id']).page}"
    await gateway.admin.call("DELETE", f"/admin/kiro/login/{begun['id']}")
    assert "cancelled" in (await gateway.visit(address)).text
    assert "已取消" in (await gateway.visit(address, accept_language="zh-CN")).text
    answer = await gateway.browser.post(address, data={"address": "x"})
    assert answer.status_code == 400
    assert (await gateway.told(other["id"]))["status"] == "pending"
