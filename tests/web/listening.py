"""A client that notes what it gets at the moment when it gets it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx

from tests.harness import Gateway
from tests.web.replies import PATHS, Dialect, Reply, body_for, read_reply


class Listener:
    """One request on its way. `status` is None as long as no status line has come."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.status: int | None = None
        self.headers = httpx.Headers()
        self.data = b""
        self.over = False
        self._changed = anyio.Event()
        self.scope = anyio.CancelScope()

    async def run(self, gateway: Gateway, body: Any, headers: Mapping[str, str]) -> None:
        with self.scope:
            async with gateway.http.stream(
                "POST",
                gateway.url + PATHS[self.dialect],
                json=body,
                headers={"x-api-key": gateway.key, **headers},
            ) as response:
                self.status, self.headers = response.status_code, response.headers
                self._note()
                async for chunk in response.aiter_raw():
                    self.data += chunk
                    self._note()
            self.over = True
            self._note()

    def _note(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def until(self, happened: Callable[["Listener"], bool]) -> None:
        with anyio.fail_after(20):
            while not happened(self):
                await self._changed.wait()

    async def reply(self) -> Reply:
        """The answer, once it is over."""
        await self.until(lambda listener: listener.over)
        assert self.status is not None
        response = httpx.Response(self.status, headers=self.headers, content=self.data)
        return read_reply(self.dialect, response)


@asynccontextmanager
async def listening(
    gateway: Gateway,
    dialect: Dialect,
    prompt: str,
    *,
    stream: bool = True,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> AsyncIterator[Listener]:
    """A request that runs beside the block; leaving it hangs up."""
    listener = Listener(dialect)
    body = body_for(dialect, prompt, stream=stream, **more)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.run, gateway, body, headers or {})
        yield listener
        listener.scope.cancel()
