"""`kiro-gateway service`: what each system is told, and by which of its own tools."""

import json
import os
import plistlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.errors import ServiceFailed
from gateway.service.launchd import LaunchdService
from gateway.service.scheduled_task import NAMESPACE, ScheduledTask
from gateway.service.service import run
from gateway.service.systemd import SystemdService

COMMAND = ("/home/a user/kiro-gateway", "serve", "--config", "/etc/100%/a $b.yaml")

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")

# Does what is asked as far as these commands see it, and writes down what was asked.
SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$HOME/asked"
case "$*" in
    *show*) cat "$HOME/state" 2>/dev/null || printf 'ActiveState=inactive\\n' ;;
    *restart*)
        printf 'ActiveState=active\\n' > "$HOME/state"
        printf 'UnitFileState=enabled\\nActiveEnterTimestamp=today\\n' >> "$HOME/state"
        ;;
    *disable*) rm -f "$HOME/state" ;;
esac
"""


@dataclass(slots=True)
class Tools:
    """Stands in for a system's tools: what they were asked, and what they answer."""

    answers: dict[str, str] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> str:
        self.asked.append(list(command))
        for words, answer in self.answers.items():
            if words in " ".join(command):
                return answer
        return ""


@dataclass(frozen=True, slots=True)
class User:
    home: Path
    tools: Path

    def service(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gateway", "service", *arguments],
            env={"HOME": str(self.home), "PATH": f"{self.tools}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def user(tmp_path: Path) -> User:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text(SYSTEMCTL)
    (tools / "systemctl").chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    return User(home, tools)


@linux_only
def test_a_service_is_installed_seen_and_removed(user: User) -> None:
    assert user.service("status").returncode == 1
    done = user.service("install")
    assert done.returncode == 0, done.stderr
    unit = user.home / ".config/systemd/user/kiro-gateway.service"
    assert f"ExecStart={sys.executable} -m gateway serve\n" in unit.read_text()
    asked = (user.home / "asked").read_text().splitlines()
    assert asked[:3] == [
        "--user daemon-reload",
        "--user enable kiro-gateway",
        "--user restart kiro-gateway",
    ]
    assert "journalctl --user -u kiro-gateway" in done.stdout
    done = user.service("status", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["installed"], told["running"], told["since"]) == (
        0,
        True,
        True,
        "today",
    )
    assert user.service("uninstall").returncode == 0
    assert not unit.exists()
    assert user.service("uninstall").returncode == 1
    assert user.service("uninstall", "--if-installed").returncode == 0


@linux_only
def test_a_service_has_time_to_let_its_streams_finish(user: User, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("server: {drain_timeout_seconds: 600}\n")
    done = user.service("install", "--config", str(config))
    assert done.returncode == 0, done.stderr
    unit = user.home / ".config/systemd/user/kiro-gateway.service"
    assert "TimeoutStopSec=630\n" in unit.read_text()


@linux_only
def test_settings_that_are_wrong_are_said_so_before_anything_is_installed(
    user: User, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("server: {port: many}\n")
    done = user.service("install", "--config", str(config))
    assert (done.returncode, "server.port" in done.stderr) == (2, True)
    assert not (user.home / "asked").exists()


@linux_only
def test_without_systemd_a_service_is_said_to_be_impossible(user: User) -> None:
    (user.tools / "systemctl").write_text(
        "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n"
    )
    done = user.service("install")
    assert (done.returncode, "Failed to connect to bus" in done.stderr) == (1, True)
    with pytest.raises(ServiceFailed, match="no-such-tool is not there"):
        run(["no-such-tool"])


@linux_only
@pytest.mark.parametrize("user_name", [None, "root"], ids=["session", "system"])
def test_systemd_understands_the_unit(tmp_path: Path, user_name: str | None) -> None:
    program = tmp_path / "a user" / "kiro-gateway"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    service = SystemdService(tmp_path, user_name, tmp_path)
    service.place.write_text(service.unit([str(program), *COMMAND[1:]], 30))
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not there")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(service.place)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_unit_says_nothing_but_what_is_meant_by_odd_paths() -> None:
    unit = SystemdService(Path("/units"), None, Path("/home/x")).unit(COMMAND, 30)
    start = 'ExecStart="/home/a user/kiro-gateway" serve --config "/etc/100%%/a $$b.yaml"\n'
    assert start in unit


def test_the_machines_service_is_hardened_and_writes_its_own_folder_only() -> None:
    unit = SystemdService(Path("/units"), "kiro", Path("/home/kiro")).unit(COMMAND, 30)
    for line in (
        "User=kiro",
        "ProtectSystem=strict",
        "ProtectHome=read-only",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ReadWritePaths=/home/kiro/.kiro-gateway",
    ):
        assert line in unit.splitlines()


def test_a_launchd_agent_is_described_loaded_and_unloaded(tmp_path: Path) -> None:
    tools = Tools({"print": "state = running"})
    service = LaunchdService(tmp_path, 501, tools)
    service.install(COMMAND, 45.5)
    described = plistlib.loads(service.place.read_bytes())
    assert described["ProgramArguments"] == list(COMMAND)
    assert described["RunAtLoad"] is True
    assert described["ExitTimeOut"] == 76
    assert described["StandardErrorPath"] == str(tmp_path / "Library/Logs/kiro-gateway.log")
    assert tools.asked[-1] == ["launchctl", "bootstrap", "gui/501", str(service.place)]
    assert service.state().running
    tools.answers["print"] = "state = spawn scheduled"
    service.uninstall()
    assert tools.asked[-1] == ["launchctl", "bootout", "gui/501/com.pinealctx.kiro-gateway"]
    assert not service.place.exists()


def test_a_scheduled_task_runs_the_command_and_keeps_what_it_says(tmp_path: Path) -> None:
    tools = Tools({"Get-ScheduledTask": "4\r\n"})
    service = ScheduledTask(tmp_path, "HOME\\someone", tools)
    service.install((r"C:\Program Files\kiro-gateway.exe", "serve"), 30)
    task = ET.fromstring(service.place.read_text("utf-16").partition("?>")[2])
    arguments = task.findtext(f".//{{{NAMESPACE}}}Arguments")
    expected = rf'/d /c ""C:\Program Files\kiro-gateway.exe" serve >> "{service.log_file}" 2>&1"'
    assert arguments == expected
    assert task.findtext(f".//{{{NAMESPACE}}}ExecutionTimeLimit") == "PT0S"
    assert service.state().running
    service.uninstall()
    assert [words[1] for words in tools.asked if words[0] == "schtasks"] == [
        *("/Create", "/Run"),
        *("/End", "/Delete"),
    ]


@linux_only
def test_the_machines_service_is_for_somebody_who_exists() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "SUDO_USER"}
    for arguments, reason in (
        (["--system"], "--run-as USER"),
        (["--system", "--run-as", "nobody-is-called-so"], "no user nobody-is-called-so"),
        (["--run-as", "root"], "--run-as goes with --system"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "service", "status", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert reason in done.stderr
