"""A gateway with an account that nobody has signed in to, its operator, and a browser."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx

from gateway.logins.login import Login
from gateway.logins.logins import WATCH
from gateway.logins.timing import LoginTiming
from gateway.web.timing import Timing
from tests.harness import Kiro
from tests.web.admin.admin_gateway import AdminGateway, admin_gateway
from tests.web.pauses import Pauses
from tests.web.sign_in.manual_time import ManualTime

NEW = "newcomer"


@dataclass
class SignInGateway:
    """`time` stands still for sign-ins; the account `NEW` is theirs."""

    admin: AdminGateway
    kiro: Kiro
    time: ManualTime
    browser: httpx.AsyncClient = field(repr=False)

    async def begin(self, path: str = "login", **body: Any) -> dict[str, Any]:
        """Begin a sign-in of the new account that goes well."""
        answer = await self.admin.call("POST", f"/admin/kiro/{path}", {"account": NEW, **body})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def told(self, login: str) -> dict[str, Any]:
        """What is told of a sign-in now."""
        told: dict[str, Any] = await self.admin.get(f"/admin/kiro/login/{login}")
        return told

    async def over(self, login: str) -> dict[str, Any]:
        """What is told of it once it is over."""
        await self.login(login).changed(lambda _: False)
        return await self.told(login)

    async def until(self, login: str, step: str) -> dict[str, Any]:
        """What is told of it once it has come so far."""
        await self.login(login).changed(lambda login: login.step == step)
        return await self.told(login)

    def login(self, login: str) -> Login:
        """The thing itself."""
        return self.admin.services.logins.get(login)

    async def paste(self, login: str, url: str) -> httpx.Response:
        """Bring an address to a sign-in by hand."""
        path = f"/admin/kiro/login/{login}/callback"
        return await self.admin.call("POST", path, {"url": url})

    async def order(self, **order: Any) -> None:
        """How the next visit to a page of the service ends."""
        await self.kiro.control("PUT", "/sign-in", order)

    async def sent_to(self, address: str) -> str:
        """Where a page of the service sends the browser."""
        answer = await self.browser.get(address)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def visit(self, address: str, **headers: str) -> httpx.Response:
        """What a browser shows that is sent to this address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.browser.get(address, headers=named)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass here and at the service, once somebody sleeps for so long."""
        with anyio.fail_after(10):
            await self.time.asleep(seconds)
        await self.kiro.control("POST", "/clock", {"advance_seconds": seconds})
        self.time.advance(seconds)

    async def poll(self, login: str) -> None:
        """Let the interval pass, and wait until the service was asked and has answered."""
        interval = self.login(login).interval
        assert interval is not None
        waits = len(self.time.waits)
        await self.pass_time(interval)
        await soon(
            lambda: (
                self.login(login).is_over
                or self.login(login).step != "device"
                or any(wait >= 1 and wait != WATCH for wait in self.time.waits[waits:])
            )
        )

    async def secrets_of(self, login: str) -> str:
        """Everything that is kept of a sign-in."""
        return repr({name: getattr(self.login(login), name) for name in Login.__dataclass_fields__})

    async def answers(self) -> dict[str, Any]:
        """A streamed answer of the new account; fails if there is none."""
        keyed = await self.admin.call(
            "POST", "/admin/keys", {"name": "new", "kiro_accounts": [NEW]}
        )
        body = {
            "model": "claude-sonnet-4-5",
            "max_tokens": 100,
            "stream": True,
            "messages": [{"role": "user", "content": "Hello"}],
        }
        headers = {"x-api-key": keyed.json()["key"]}
        answer = await self.admin.http.post(
            self.admin.url + "/v1/messages", json=body, headers=headers
        )
        assert answer.status_code == 200, answer.text
        assert "event: message_stop" in answer.text
        account: dict[str, Any] = await self.admin.get(f"/admin/accounts/{NEW}")
        assert account["healthy"]
        return account


@asynccontextmanager
async def sign_in_gateway(kiro: Kiro, folder: Path) -> AsyncIterator[SignInGateway]:
    """One that no sign-in of which waits by the real clock."""
    time = ManualTime()
    logins = LoginTiming(clock=time.clock, sleep=time.sleep)
    timing = Timing(sleep=Pauses(), logins=logins)
    async with (
        admin_gateway(kiro, folder, timing=timing) as admin,
        httpx.AsyncClient(timeout=30, verify=False) as browser,
    ):
        await admin.call("POST", "/admin/accounts", {"name": NEW})
        yield SignInGateway(admin, kiro, time, browser)


async def soon(condition: Callable[[], bool]) -> None:
    """Let other tasks run until it is so."""
    with anyio.fail_after(10):
        while not condition():
            await anyio.lowlevel.checkpoint()
