"""Claude Code itself, headless, against a gateway on the simulator."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.harness import Gateway, gateway_on, running_kiro

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FOLDER = Path(__file__).parent
CLAUDE = FOLDER / "node_modules" / ".bin" / "claude"
LIMIT = 120  # seconds; a run takes about five


@pytest.fixture(autouse=True)
def installed() -> None:
    """`make test` installs it; where npm cannot, these tests say so instead of failing."""
    if not CLAUDE.exists() and os.environ.get("CI") != "true":
        pytest.skip("Claude Code is not installed: `npm ci` in tests/clients needs Node and npm")


async def claude(
    gateway: Gateway, home: Path, prompt: str, *options: str, fails: bool = False
) -> Mapping[str, Any]:
    """Run `claude -p` in an empty folder, with nothing of this machine's own settings."""
    work = home / "work"
    work.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ANTHROPIC_BASE_URL": gateway.url,
        "ANTHROPIC_AUTH_TOKEN": gateway.key,
        "ANTHROPIC_MODEL": "claude-sonnet-4.5",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-haiku-4.5",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "CI": "1",
    }
    command = [str(CLAUDE), "-p", prompt, "--output-format", "json", *options]
    with anyio.fail_after(LIMIT):
        done = await anyio.run_process(command, cwd=work, env=environment, check=False, input=b"")
    assert (done.returncode != 0) is fails, (done.stdout + done.stderr).decode()[-4000:]
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told


async def test_claude_code_gets_an_answer(tmp_path: Path) -> None:
    async with running_kiro() as kiro, gateway_on(kiro, tmp_path) as gateway:
        told = await claude(gateway, tmp_path, "Say something about otters")
        entries = await kiro.log()
    assert told["is_error"] is False
    assert "otters" in told["result"]
    assert entries
    assert {entry["status"] for entry in entries} == {200}


async def test_claude_code_runs_a_tool_and_reads_its_result(tmp_path: Path) -> None:
    async with running_kiro() as kiro, gateway_on(kiro, tmp_path) as gateway:
        told = await claude(
            gateway, tmp_path, "run `echo marker-$((6*7))`", "--allowedTools", "Bash"
        )
        entries = await kiro.log()
    assert told["is_error"] is False
    assert told["num_turns"] >= 2
    assert "marker-42" in told["result"]
    assert {entry["status"] for entry in entries} == {200}


async def test_claude_code_knows_a_prompt_that_is_too_long_for_what_it_is(tmp_path: Path) -> None:
    async with running_kiro() as kiro, gateway_on(kiro, tmp_path) as gateway:
        await kiro.scenario("too-long", times=None)
        told = await claude(gateway, tmp_path, "Hello", fails=True)
    assert told["is_error"] is True
    assert "prompt is too long" in told["result"].lower()
