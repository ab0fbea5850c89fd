"""Leading somebody at a terminal through a sign-in: what to open, what to paste, how long is left.

All of it goes to standard error, so that standard output holds the result alone.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING

import click

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream

    from gateway.logins.login import Login

MAX_LINE = 16 * 1024  # bytes
TICK = 1.0  # seconds between two looks at the time


class Talk:
    """One sign-in's talk. `profile` answers which one is to be used, if that is asked."""

    def __init__(self, login: "Login", *, profile: str | None) -> None:
        self._login = login
        self._profile = profile
        self._hears = True
        self._minutes = -1
        self._drawn = False

    async def until_over(self) -> None:
        """Tell each step, and take answers from standard input, until the sign-in has ended.

        Raises:
            ClickException: a profile is to be chosen, and nobody can be asked.
        """
        import anyio

        sender, lines = anyio.create_memory_object_stream[str | None](16)
        listen(sender.send_nowait)
        failure: click.ClickException | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._hear, lines)
            tasks.start_soon(self._count_down)
            try:
                await self._tell_steps()
            except click.ClickException as exc:  # a task group would wrap it up
                failure = exc
            tasks.cancel_scope.cancel()
        lines.close()
        self._clear()
        if failure is not None:
            raise failure

    async def _tell_steps(self) -> None:
        login = self._login
        while not login.is_over:
            step = login.step
            self._clear()
            self._tell(step)
            if step == "profile":
                await self._choose()
            await login.changed(lambda login, step=step: login.step != step)  # type: ignore[misc]  # bound

    async def _choose(self) -> None:
        if self._profile is not None:
            try:
                await self._login.offer(self._profile)
            except GatewayError as exc:
                raise click.ClickException(f"--profile: {exc}") from exc
        elif not self._hears:
            raise click.ClickException(
                "There are several profiles, and nobody to ask. Choose one with --profile."
            )

    def _tell(self, step: str) -> None:
        login = self._login
        match step:
            case "browser":
                say("Open this page in a browser and sign in:", "", f"  {login.auth_url}", "")
                say(
                    "If the browser then ends on an address that it cannot open "
                    f"(http://localhost:{login.port}/...),",
                    "paste that address here and press Enter. Ctrl-C cancels.",
                )
            case "device":
                say("Open this page in a browser:", "", f"  {login.verification_uri_complete}", "")
                say("Allow the access only if it shows exactly this code:", "")
                say(f"  {click.style(login.user_code, bold=True)}", "")
                say("Ctrl-C cancels.")
            case "identity_provider":
                say("Sign in at your organisation's page:", "", f"  {login.provider_url}", "")
                say(
                    "The browser then ends on an address that it cannot open "
                    "(kiro://kiro.oauth/callback...).",
                    "Paste that address here and press Enter.",
                )
            case "profile":
                say("This sign-in can use several profiles:", "")
                for number, profile in enumerate(login.profiles, 1):
                    now = " (so far)" if profile.arn == login.current_profile else ""
                    say(f"  {number}  {profile.name or '-'}  {profile.arn}{now}")
                if self._profile is None:
                    say("", "Type the number of one and press Enter.")
            case _:
                say("One moment...")

    async def _hear(self, lines: "MemoryObjectReceiveStream[str | None]") -> None:
        async for line in lines:
            if line is None:
                self._hears = False
                return
            if line.strip():
                await self._take(line.strip())

    async def _take(self, line: str) -> None:
        from gateway.upstream.signin.callback import read_address

        login = self._login
        try:
            match login.step:
                case "browser" | "identity_provider":
                    await login.offer(read_address(line))
                case "profile":
                    await login.offer(self._numbered(line))
                case "device":
                    say("The code is confirmed in the browser; there is nothing to type here.")
                case _:
                    return
        except GatewayError as exc:
            say(click.style(f"Not taken: {exc}", fg="yellow"))

    def _numbered(self, line: str) -> str:
        profiles = self._login.profiles
        if line.isascii() and line.isdigit() and 0 < int(line[:6]) <= len(profiles):
            return profiles[int(line[:6]) - 1].arn
        return line

    async def _count_down(self) -> None:
        """Every second in place, where nothing is typed; else a line for every minute."""
        import anyio

        from gateway.logins.timing import LoginTiming

        clock = LoginTiming().clock
        while True:
            left = max(0, round((self._login.expires_at - clock()).total_seconds()))
            if self._login.step == "device" and sys.stderr.isatty():
                click.echo(f"\r{left // 60}:{left % 60:02d} left ", nl=False, err=True)
                self._drawn = True
            elif self._login.step != "finishing" and ceil(left / 60) != self._minutes:
                self._minutes = ceil(left / 60)
                say(f"{self._minutes} minutes left.")
            await anyio.sleep(TICK)

    def _clear(self) -> None:
        if self._drawn:
            click.echo("\r" + " " * 12 + "\r", nl=False, err=True)
            self._drawn = False


def say(*lines: str) -> None:
    """Print lines for a person."""
    for line in lines:
        click.echo(line, err=True)


def listen(heard: Callable[[str | None], None]) -> None:
    """Have the lines of standard input told in the running event loop, and None at its end.

    A thread of its own reads, which nobody waits for: a read from a terminal cannot be ended. It
    reads past `sys.stdin`, whose lock it would hold while Python shuts down.
    """
    import asyncio

    import anyio

    loop = asyncio.get_running_loop()

    def tell(line: str | None) -> None:
        # Not when the talk is over, and not more than anybody means to say.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.WouldBlock):
            heard(line)

    def pass_on(line: bytes | None) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(
                tell, None if line is None else line.decode("utf-8", "replace")
            )

    def read() -> None:
        pending = b""
        with suppress(OSError, ValueError):  # there is no standard input
            descriptor = sys.stdin.fileno()
            while chunk := os.read(descriptor, 4096):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    pass_on(line)
                pending = pending[-MAX_LINE:]
        if pending:
            pass_on(pending)
        pass_on(None)

    threading.Thread(target=read, name="standard input", daemon=True).start()
