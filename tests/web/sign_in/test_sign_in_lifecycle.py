"""From the beginning of a sign-in to what is left of it: a result, and that not for long."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest

from gateway.errors import Conflict
from gateway.logins.logins import MAX_KEPT, MAX_PENDING
from gateway.store.accounts import delete_account
from gateway.web.callback.listener import CallbackListeners
from tests.harness import running_kiro
from tests.web.admin.admin_gateway import admin_gateway
from tests.web.sign_in.sign_in_gateway import NEW, SignInGateway

pytestmark = pytest.mark.anyio

LOGIN = "/admin/kiro/login"
BUILDER_ID = {"method": "builder_id"}


async def is_listening(port: int) -> bool:
    try:
        async with await anyio.connect_tcp("127.0.0.1", port):
            return True
    except OSError:
        return False


async def closed(port: int) -> None:
    with anyio.fail_after(10):
        while await is_listening(port):
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("path", ["login", "device-login"])
async def test_nobody_goes_on_and_it_expires(gateway: SignInGateway, path: str) -> None:
    begun = await gateway.begin(path, **(BUILDER_ID if path == "device-login" else {}))
    gateway.time.advance(599)
    assert (await gateway.told(begun["id"]))["status"] == "pending"
    gateway.time.advance(1)
    told = await gateway.over(begun["id"])
    assert (told["status"], told["reason"]) == ("expired", "expired")
    assert told["error"] == told["message"]
    if path == "login":
        await closed(begun["port"])


async def test_it_can_be_cancelled(gateway: SignInGateway) -> None:
    for path, order in (("login", {}), ("device-login", BUILDER_ID)):
        begun = await gateway.begin(path, **order)
        answer = await gateway.admin.call("DELETE", f"{LOGIN}/{begun['id']}")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        again = await gateway.admin.call("DELETE", f"{LOGIN}/{begun['id']}")
        assert again.json() == answer.json()
        assert (await gateway.admin.get(f"/admin/accounts/{NEW}"))["auth_method"] is None
        if path == "login":
            await closed(begun["port"])
    polls = len(await gateway.kiro.log("poll"))
    gateway.time.advance(60)
    await gateway.admin.get("/admin/kiro/logins")
    assert len(await gateway.kiro.log("poll")) == polls


async def test_one_that_is_completed_stays_so(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    await gateway.order(way="google")
    await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    await closed(begun["port"])
    answer = await gateway.admin.call("DELETE", f"{LOGIN}/{begun['id']}")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    await gateway.answers()


@pytest.mark.parametrize("end", ["completed", "cancelled", "expired", "error"])
async def test_no_secret_outlives_it(gateway: SignInGateway, end: str) -> None:
    begun = await gateway.begin()
    login = gateway.login(begun["id"])
    state = login.state
    assert state
    match end:
        case "completed":
            await gateway.order(way="google")
            await gateway.visit(await gateway.sent_to(begun["auth_url"]))
        case "cancelled":
            await gateway.admin.call("DELETE", f"{LOGIN}/{begun['id']}")
        case "expired":
            gateway.time.advance(600)
        case _:
            await gateway.order(error="access_denied")
            await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    assert (await gateway.over(begun["id"]))["status"] == end
    kept = await gateway.secrets_of(begun["id"])
    assert state not in kept
    assert "signin?" not in kept


async def test_a_device_code_is_told_to_nobody(gateway: SignInGateway) -> None:
    begun = await gateway.begin("device-login", **BUILDER_ID)
    await gateway.poll(begun["id"])
    (poll,) = await gateway.kiro.log("poll")
    assert "deviceCode" in str(poll)
    (device,) = gateway.kiro.state.devices.all
    for shown in (await gateway.secrets_of(begun["id"]), str(await gateway.told(begun["id"]))):
        assert device.device_code not in shown
    await gateway.admin.call("DELETE", f"{LOGIN}/{begun['id']}")
    assert begun["user_code"] not in await gateway.secrets_of(begun["id"])


async def test_a_result_is_told_for_ten_minutes(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    await gateway.admin.call("DELETE", f"{LOGIN}/{begun['id']}")
    gateway.time.advance(599)
    assert (await gateway.told(begun["id"]))["status"] == "cancelled"
    gateway.time.advance(1)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/callback")):
        answer = await gateway.admin.call(method, f"{LOGIN}/{begun['id']}{path}", {"url": "x"})
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")
    answer = await gateway.admin.call("POST", f"{LOGIN}/complete/{begun['id']}")
    assert answer.status_code == 404


async def test_many_go_on_at_once_on_one_port(gateway: SignInGateway) -> None:
    begun = [await gateway.begin() for _ in range(MAX_PENDING)]
    assert len({one["port"] for one in begun}) == 1
    assert len({one["id"] for one in begun}) == MAX_PENDING
    listed = await gateway.admin.get("/admin/kiro/logins")
    assert (listed["total"], listed["pending"]) == (MAX_PENDING, MAX_PENDING)
    for path, order in (("login", {}), ("device-login", BUILDER_ID)):
        answer = await gateway.admin.call("POST", f"/admin/kiro/{path}", {"account": NEW, **order})
        assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict")
    assert await gateway.kiro.log("register") == []
    await gateway.admin.call("DELETE", f"{LOGIN}/{begun[0]['id']}")
    replacement = await gateway.begin()
    assert replacement["port"] == begun[0]["port"]
    # All of them at once, each by its own answer.
    await gateway.order(way="google", times=None)

    async def finish(one: dict[str, str]) -> None:
        page = await gateway.visit(await gateway.sent_to(one["auth_url"]))
        assert "Signed in" in page.text

    async with anyio.create_task_group() as tasks:
        for one in begun[1:]:
            tasks.start_soon(finish, one)
    told = await gateway.admin.get("/admin/kiro/logins?status=completed")
    assert (told["total"], told["pending"]) == (MAX_PENDING - 1, 1)
    await gateway.answers()


async def test_results_are_kept_in_bounds(gateway: SignInGateway) -> None:
    pending = await gateway.begin()  # so that the port stays open
    for _ in range(MAX_KEPT + 10):
        begun = await gateway.begin()
        assert begun["port"] == pending["port"]
        await gateway.admin.call("DELETE", f"{LOGIN}/{begun['id']}")
    assert (await gateway.admin.get("/admin/kiro/logins?status=all"))["total"] == MAX_KEPT + 1


async def test_one_after_the_other_has_the_same_port(gateway: SignInGateway) -> None:
    ports = set()
    for _ in range(5):
        begun = await gateway.begin()
        ports.add(begun["port"])
        await gateway.admin.call("DELETE", f"{LOGIN}/{begun['id']}")
    assert len(ports) == 1
    taken = await gateway.begin(port=begun["port"])
    assert taken["port"] == begun["port"]


async def test_the_pending_ones_are_listed_by_account(gateway: SignInGateway) -> None:
    await gateway.begin()
    other = await gateway.admin.call("POST", LOGIN, {"provider": "social"})
    assert other.json()["account"] == "social"
    for query, names in (
        ("", [NEW, "social"]),
        ("?account=social", ["social"]),
        ("?status=completed", []),
        ("?status=all&account=" + NEW, [NEW]),
    ):
        listed = await gateway.admin.get("/admin/kiro/logins" + query)
        assert [one["account"] for one in listed["logins"]] == names
    assert (await gateway.admin.call("GET", "/admin/kiro/logins?status=no")).status_code == 400


# --- the account meanwhile


async def test_the_account_may_be_renamed_meanwhile(gateway: SignInGateway) -> None:
    begun = await gateway.begin()
    await gateway.admin.call("PUT", f"/admin/accounts/{NEW}", {"name": "renamed"})
    assert (await gateway.told(begun["id"]))["account"] == "renamed"
    other = await gateway.admin.call("POST", "/admin/accounts", {"name": NEW})
    assert other.status_code == 201
    await gateway.order(way="google")
    await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    told = await gateway.told(begun["id"])
    assert (told["status"], '"renamed"' in told["message"]) == ("completed", True)
    assert (await gateway.admin.get("/admin/accounts/renamed"))["auth_method"] == "social"
    assert (await gateway.admin.get(f"/admin/accounts/{NEW}"))["auth_method"] is None


@pytest.mark.parametrize("path", ["login", "device-login"])
async def test_an_account_that_is_deleted_ends_its_sign_ins(
    gateway: SignInGateway, path: str
) -> None:
    begun = await gateway.begin(path, **(BUILDER_ID if path == "device-login" else {}))
    await gateway.admin.call("DELETE", f"/admin/accounts/{NEW}")
    told = await gateway.over(begun["id"])
    assert (told["status"], told["reason"]) == ("error", "account_removed")
    if path == "login":
        await closed(begun["port"])


async def test_so_does_one_that_another_process_deletes(gateway: SignInGateway) -> None:
    services = gateway.admin.services
    begun = await gateway.begin()
    async with services.database.begin() as db:
        await delete_account(db, gateway.login(begun["id"]).account_id, now=datetime.now(UTC))
    await gateway.order(way="google")
    page = await gateway.visit(await gateway.sent_to(begun["auth_url"]))
    assert "failed" in page.text
    told = await gateway.over(begun["id"])
    assert (told["status"], told["reason"]) == ("error", "account_removed")


async def test_what_the_account_had_stays_until_it_is_replaced(gateway: SignInGateway) -> None:
    order = {"account": "social", **BUILDER_ID}
    begun = (await gateway.admin.call("POST", "/admin/kiro/device-login", order)).json()
    before = await gateway.admin.get("/admin/accounts/social")
    assert before["auth_method"] == "social"
    decision = {"decision": "deny", "user_code": begun["user_code"]}
    await gateway.kiro.control("PUT", "/device", decision)
    await gateway.poll(begun["id"])
    assert (await gateway.over(begun["id"]))["status"] == "error"
    assert (await gateway.admin.get("/admin/accounts/social"))["auth_method"] == "social"


# --- ports


async def test_a_port_that_is_taken_is_told(gateway: SignInGateway) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = await gateway.admin.call("POST", LOGIN, {"account": NEW, "port": port})
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict")
    assert f"Port {port}" in answer.json()["error"]["message"]
    # Free again, it does.
    begun = await gateway.begin(port=port)
    assert begun["port"] == port
    assert f"localhost%3A{port}" in begun["auth_url"]


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_half_a_port_is_not_enough(gateway: SignInGateway) -> None:
    with socket.socket(socket.AF_INET6) as taken:
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind(("::1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = await gateway.admin.call("POST", LOGIN, {"account": NEW, "port": port})
    assert answer.status_code == 409
    assert not await is_listening(port)


@pytest.mark.parametrize("port", [0, -1, 65536, "3128", True, 3.5])
async def test_what_is_no_port_is_refused(gateway: SignInGateway, port: object) -> None:
    answer = await gateway.admin.call("POST", LOGIN, {"account": NEW, "port": port})
    assert (answer.status_code, "port" in answer.text) == (400, True)


async def test_without_a_free_port_other_ways_are_named(gateway: SignInGateway) -> None:
    logins = gateway.admin.services.logins
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with anyio.create_task_group() as tasks:
            listeners = CallbackListeners(tasks, lambda logins, port: nothing, ports=(port,))
            with pytest.raises(Conflict, match=rf"taken: {port}\. .*device code"):
                await listeners.open(None, logins)


async def nothing(*_: object) -> None:
    raise AssertionError("nobody asks")


# --- the end of the gateway


async def test_a_gateway_that_stops_ends_what_goes_on(tmp_path: Path) -> None:
    async with running_kiro() as kiro, admin_gateway(kiro, tmp_path) as admin:
        begun = (await admin.call("POST", LOGIN, {"account": "social"})).json()
        order = {"account": "social", **BUILDER_ID}
        device = (await admin.call("POST", "/admin/kiro/device-login", order)).json()
        kept = [admin.services.logins.get(one["id"]) for one in (begun, device)]
    assert [login.status for login in kept] == ["cancelled", "cancelled"]
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as browser:
            await browser.get(f"http://127.0.0.1:{begun['port']}/")
