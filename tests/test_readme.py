"""Everything the README tells people to type does what it says, from installing to uninstalling."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import httpx
import pytest

from gateway.simulator.server import serve_in_thread
from tests.gateway_process import free_port
from tests.pages import FOLDER, PAGES, SHELL, blocks, check_ours
from tests.release.release_server import (
    Releases,
    gateway_program,
    install_script,
    public_pem,
    release_server,
)
from tests.release.test_install_ps1 import every_node, parsed
from tests.release.test_service import SYSTEMCTL

README, CHINESE = FOLDER / "README.md", FOLDER / "README_CN.md"
SCRIPTS = "https://raw.githubusercontent.com/pinealctx/kiro-gateway/main/scripts/"
REPOSITORY = "https://github.com/pinealctx/kiro-gateway"
CLIENTS = FOLDER / "tests" / "clients" / "node_modules" / ".bin"

# Where npm has not installed the client itself; its own tests say that they were skipped.
CLAUDE = """#!/bin/sh
curl -s "$ANTHROPIC_BASE_URL/v1/messages" -H "authorization: Bearer $ANTHROPIC_AUTH_TOKEN" \
    -d "{\\"model\\": \\"$ANTHROPIC_MODEL\\", \\"max_tokens\\": 100,
         \\"messages\\": [{\\"role\\": \\"user\\", \\"content\\": \\"$(cat)\\"}]}"
"""


@dataclass(slots=True)
class Newcomer:
    """Somebody with an empty home folder, who types what the README says, line after line."""

    home: Path
    releases: Releases
    upstream: str
    tools: Path
    port: int = field(default_factory=free_port)
    key: str = ""
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        names = ("RUNTIME", "MANAGEMENT", "OIDC", "AUTH", "PORTAL")
        return {
            "HOME": str(self.home),
            "SHELL": "/bin/bash",
            "PATH": f"{self.home}/.kiro-gateway/bin:{self.tools}:{CLIENTS}:{os.environ['PATH']}",
            "KIRO_GATEWAY_RELEASES_URL": self.releases.url,
            "KIRO_GATEWAY_SERVER_HOST": "127.0.0.1",
            "KIRO_GATEWAY_SERVER_PORT": str(self.port),
            **{f"KIRO_GATEWAY_UPSTREAM_{name}_URL": self.upstream for name in names},
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            # A checkout may belong to somebody else.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }

    def meant(self, command: str) -> str:
        """The same on this machine: the hosts are local, and the key is the one that was made."""
        if "sk-kiro-…" in command:
            assert self.key, "the key is used before it is made"
        for said, here in {
            SCRIPTS: self.releases.url.removesuffix("/releases") + "/scripts/",
            REPOSITORY: str(self.tools / "github" / "kiro-gateway"),
            "localhost:8080": f"127.0.0.1:{self.port}",
            "sk-kiro-…": self.key,
            # What make does first has been done: these tests run in what it makes.
            "make demo": "make -n demo | tail -n 1",
        }.items():
            command = command.replace(said, here)
        assert not re.search(r"https?://(?!127\.0\.0\.1)", command), command
        return command

    def start(self, command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            env=self.environment(),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append(process)
        return process

    def stop(self, process: subprocess.Popen[str]) -> None:
        process.terminate()
        process.communicate(timeout=30)
        self.running.remove(process)

    def run(self, commands: list[str]) -> str:
        """Type commands into one terminal; gives what they print."""
        done = subprocess.run(
            ["sh", "-ec", "\n".join(map(self.meant, commands))],
            input="Hello!",
            env=self.environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (commands, done.stdout, done.stderr)
        if not self.key and (made := re.search(r"^sk-kiro-\S+$", done.stdout, re.MULTILINE)):
            self.key = made[0]
        return done.stdout


def tries_the_demo(reader: Newcomer, command: str) -> None:
    """Start it, and paste the line that it prints."""
    demo = reader.start(command)
    assert demo.stdout is not None
    printed = ""
    while "  claude\n" not in printed:
        line = demo.stdout.readline()
        assert line, printed
        printed += line
    pasted = re.search(r"^ +(curl .*)$", printed, re.MULTILINE)
    assert pasted
    answer = reader.run([pasted[1]])
    said = "".join(re.findall(r'"text_delta","text":"(.*?)"', answer))
    assert said == "You said: Hello!", answer
    reader.stop(demo)
    assert not reader.key


def signs_in(reader: Newcomer, command: str) -> None:
    """Open the page that it prints, as somebody with a browser does."""
    wish = {"page": "portal", "way": "google", "times": 1}
    httpx.put(reader.upstream + "/_sim/sign-in", json=wish).raise_for_status()
    login = reader.start(command)
    assert login.stdout is not None
    printed = ""
    while not (page := re.search(r"http\S+/signin\S+", printed)):
        line = login.stdout.readline()
        assert line, printed
        printed += line
    httpx.get(page[0], follow_redirects=True).raise_for_status()
    rest, _ = login.communicate(timeout=30)
    reader.running.remove(login)
    assert login.returncode == 0, printed + rest


def serves(reader: Newcomer, command: str) -> None:
    """Start it for good, and wait until it answers."""
    gateway = reader.start(command)
    address = f"http://127.0.0.1:{reader.port}/ready"
    with httpx.Client(timeout=5) as http:
        while True:
            assert gateway.poll() is None, gateway.communicate()
            try:
                if http.get(address).status_code == 200:
                    return
            except httpx.TransportError:
                continue


# Commands that somebody has to look at while they run.
WATCHED: dict[str, Callable[[Newcomer, str], None]] = {
    "kiro-gateway": serves,
    "kiro-gateway demo": tries_the_demo,
    "kiro-gateway accounts login me": signs_in,
    "kiro-gateway accounts login you": signs_in,
}

# What the others print, where exit status 0 says too little.
PRINTED = {
    "curl -N": "event: message_stop",
    "claude": "Hello!",
    "kiro-gateway config show": "server.port",
    "kiro-gateway accounts quota": "me",
    "kiro-gateway update --restart": "from v1.0.0 to v1.1.0",
    "kiro-gateway update --rollback": "v1.0.0",
    "make demo": "kiro-gateway demo",
}


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    home, tools = tmp_path / "home", tmp_path / "tools"
    home.mkdir()
    tools.mkdir()
    stand_ins = {"systemctl": SYSTEMCTL} | (
        {} if (CLIENTS / "claude").exists() else {"claude": CLAUDE}
    )
    for name, script in stand_ins.items():
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    (tools / "github").mkdir()
    (tools / "github" / "kiro-gateway").symlink_to(FOLDER)
    with release_server() as releases, serve_in_thread() as simulator:
        for version in ("1.1.0", "1.0.0"):
            releases.publish(version, gateway_program(version, releases.key))
        releases.files["/scripts/install.sh"] = install_script(public_pem(releases.key)).encode()
        reader = Newcomer(home, releases, simulator.url, tools)
        yield reader
        for process in reader.running:
            process.kill()
            process.communicate()


@pytest.mark.skipif(
    sys.platform != "linux", reason="what starts services here stands in for systemd"
)
@pytest.mark.slow
def test_every_command_of_the_readme_works(newcomer: Newcomer) -> None:
    program = newcomer.home / ".kiro-gateway" / "bin" / "kiro-gateway"
    for block in blocks(README):
        if block.language not in SHELL:
            continue
        typed: list[str] = []
        for command in block.commands():
            if watch := WATCHED.get(command):
                assert not typed, "what was typed before would be forgotten"
                watch(newcomer, command)
                continue
            typed.append(command)
            wanted = next(
                (text for start, text in PRINTED.items() if command.startswith(start)), ""
            )
            # Variables that were set and folders that were entered count for what follows.
            if not command.startswith(("export ", "cd ")):
                if "update --restart" in command:
                    newcomer.releases.latest = "1.1.0"
                assert wanted in newcomer.run(typed), command
                typed = [line for line in typed if line.startswith(("export ", "cd "))]
    assert (newcomer.home / "kiro-gateway-backup.db").stat().st_size > 0
    assert "@" not in (newcomer.home / "report.json").read_text()
    assert not program.exists(), "the README ends with uninstalling"
    assert (newcomer.home / ".kiro-gateway" / "kiro-gateway.db").exists()


def test_the_chinese_readme_has_the_same_blocks() -> None:
    assert blocks(CHINESE) == blocks(README)


@pytest.mark.parametrize("page", [README, CHINESE], ids=lambda page: page.name)
def test_every_block_is_run_or_parsed(page: Path) -> None:
    assert {block.language for block in blocks(page)} == {"sh", "powershell"}


def test_powershell_can_read_the_lines_for_windows() -> None:
    lines = [block.text for block in blocks(README) if block.language == "powershell"]
    for line in lines:
        assert not parsed(line.encode()).root_node.has_error, line
        # What the outer one hands to the inner one.
        inner = re.search(r'-Command "(.*)"$', line.strip())
        assert inner, line
        tree = parsed(inner[1].encode())
        assert not tree.root_node.has_error, line
        names = {
            node.text.decode()
            for node in every_node(tree.root_node)
            if node.type == "command_name" and node.text is not None
        }
        assert names <= {"iwr", "iex"}
        script = re.search(rf"{re.escape(SCRIPTS)}(\S+)", line)
        assert script
        assert (FOLDER / "scripts" / script[1]).exists()
    options = set(re.findall(r" -([A-Z]\w+)$", "\n".join(lines).replace('"', ""), re.MULTILINE))
    known = set(re.findall(r"\[switch\]\$(\w+)", (FOLDER / "scripts" / "install.ps1").read_text()))
    assert options <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(FOLDER)))
def test_every_option_of_ours_in_the_pages_exists(page: Path) -> None:
    typed = [
        command
        for block in blocks(page)
        if block.language in SHELL | {"", "powershell"}
        for command in block.commands()
    ]
    for command in typed:
        check_ours(command)
    # In a sentence a command may go without its arguments, or stand for several.
    for command in re.findall(r"`(kiro-gateway [^`…|]*)`", page.read_text("utf-8")):
        with suppress(click.MissingParameter):
            check_ours(command)


@pytest.mark.parametrize(
    "command",
    ["kiro-gateway keys creat x", "kiro-gateway update --chekc", "kiro-gateway db backup"],
)
def test_a_command_that_is_none_would_be_noticed(command: str) -> None:
    with pytest.raises(click.UsageError):
        check_ours(command)
