"""`kiro-gateway update` in the program that people download, against a server with releases."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.release.machine import Machine
from tests.release.release_server import ROOT, Trouble, pack, program, release_server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs here are scripts")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    folder = tmp_path / "a user" / ".kiro-gateway" / "bin"
    folder.mkdir(parents=True)
    with release_server() as releases:
        made = Machine(folder / "kiro-gateway", releases)
        made.program.write_bytes(made.build("1.2.3"))
        made.program.chmod(0o755)
        made.publish("1.2.3")
        yield made


def test_update_replaces_the_program_and_rollback_goes_back_and_forth(machine: Machine) -> None:
    machine.publish("1.3.0")
    done = machine.run("update")
    assert done.stdout.splitlines()[0] == "Updated kiro-gateway from v1.2.3 to v1.3.0.", done.stderr
    assert "until it is restarted" in done.stdout
    assert machine.says() == "kiro-gateway 1.3.0"
    assert sorted(machine.files()) == ["kiro-gateway", "kiro-gateway.previous"]
    for back_to in ("1.2.3", "1.3.0"):
        done = machine.run("update", "--rollback", "--json")
        assert json.loads(done.stdout)["newest"] == back_to, done.stderr
        assert machine.says() == f"kiro-gateway {back_to}"


def test_check_says_what_there_is_and_changes_nothing(machine: Machine) -> None:
    machine.publish("1.3.0")
    before = machine.files()
    done = machine.run("update", "--check", "--json")
    assert json.loads(done.stdout) == {
        "installed": "1.2.3",
        "newest": "1.3.0",
        "update_available": True,
        "changed": False,
    }
    assert "v1.3.0 is there" in machine.run("update", "--check").stdout
    assert machine.files() == before


def test_the_newest_version_is_left_alone(machine: Machine) -> None:
    before = machine.files()
    assert machine.run("update").stdout == "kiro-gateway v1.2.3 is up to date.\n"
    assert machine.files() == before


def test_a_pre_release_is_taken_when_it_is_named_only(machine: Machine) -> None:
    machine.publish("1.3.0-rc.1", newest=False)
    assert "up to date" in machine.run("update").stdout
    assert machine.run("update", "--version", "v1.3.0-rc.1").returncode == 0
    assert machine.says() == "kiro-gateway 1.3.0-rc.1"
    machine.publish("1.3.0")
    assert machine.run("update").returncode == 0
    assert machine.says() == "kiro-gateway 1.3.0"


def test_an_older_version_is_refused_unless_it_is_asked_for_twice(machine: Machine) -> None:
    machine.publish("1.0.0")
    before = machine.files()
    done = machine.run("update")
    assert "the newest release is v1.0.0, and v1.2.3 is installed" in done.stderr.lower()
    done = machine.run("update", "--version", "1.0.0")
    assert "--allow-downgrade" in done.stderr
    assert machine.files() == before
    assert machine.run("update", "--version", "1.0.0", "--allow-downgrade").returncode == 0
    assert machine.says() == "kiro-gateway 1.0.0"


def tampered(machine: Machine, path: str) -> str:
    machine.releases.files[path] = pack("1.3.0", program("1.3.0"))[1]
    return "checksum"


def signed_by_another(machine: Machine, path: str) -> str:
    machine.releases.seal("1.3.0", Ed25519PrivateKey.generate())
    return "signature"


def sums_changed(machine: Machine, path: str) -> str:
    tampered(machine, path)
    signature = machine.releases.files["/download/v1.3.0/SHA256SUMS.sig"]
    machine.releases.seal("1.3.0")
    machine.releases.files["/download/v1.3.0/SHA256SUMS.sig"] = signature
    return "signature"


def unsigned(machine: Machine, path: str) -> str:
    del machine.releases.files["/download/v1.3.0/SHA256SUMS.sig"]
    return "does not have it"


def an_old_release_as_the_newest(machine: Machine, path: str) -> str:
    for name in ("SHA256SUMS", "SHA256SUMS.sig"):
        machine.releases.files[f"/download/v1.3.0/{name}"] = machine.releases.files[
            f"/download/v1.0.0/{name}"
        ]
    return "v1.2.3 is installed"


def shortened(machine: Machine, path: str) -> str:
    machine.releases.files[path] = machine.releases.files[path][:-20]
    return "checksum"


def always_cut(machine: Machine, path: str) -> str:
    machine.releases.trouble[path] = Trouble(cut_after=0)
    return "broke off"


def rate_limited(machine: Machine, path: str) -> str:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1796083200"}
    machine.releases.trouble["/download/v1.3.0/SHA256SUMS"] = Trouble(403, headers)
    return "Try again after 00:00 UTC"


def too_many(machine: Machine, path: str) -> str:
    machine.releases.trouble[path] = Trouble(429, {"retry-after": "300"})
    return "Try again in 5 min"


def broken_server(machine: Machine, path: str) -> str:
    machine.releases.trouble["/download/v1.3.0/SHA256SUMS"] = Trouble(500)
    return "status 500"


def does_not_start(machine: Machine, path: str) -> str:
    machine.releases.publish("1.3.0", b"#!/bin/sh\necho no such library >&2\nexit 127\n")
    return "no such library"


def is_another_version(machine: Machine, path: str) -> str:
    machine.releases.publish("1.3.0", program("1.2.9"))
    return "v1.2.9"


def no_program_inside(machine: Machine, path: str) -> str:
    machine.releases.files[path] = b"nothing of the kind"
    machine.releases.seal("1.3.0")
    return "no program in it"


def redirected_to_plain_http(machine: Machine, path: str) -> str:
    headers = {"location": "http://releases.example/x"}
    machine.releases.trouble[path] = Trouble(302, headers)
    return "https only"


@pytest.mark.parametrize(
    "spoil",
    [
        tampered,
        signed_by_another,
        sums_changed,
        unsigned,
        an_old_release_as_the_newest,
        shortened,
        always_cut,
        rate_limited,
        too_many,
        broken_server,
        does_not_start,
        is_another_version,
        no_program_inside,
        redirected_to_plain_http,
    ],
)
def test_what_cannot_be_trusted_or_fetched_leaves_the_program_as_it_was(
    machine: Machine, spoil: Callable[[Machine, str], str]
) -> None:
    machine.publish("1.0.0", newest=False)
    path = machine.publish("1.3.0")
    before = machine.files()
    reason = spoil(machine, path)
    done = machine.run("update")
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert machine.files() == before


def test_a_download_that_breaks_off_goes_on_where_it_was(machine: Machine) -> None:
    path = machine.publish("1.3.0")
    machine.releases.trouble[path] = Trouble(cut_after=100, times=2)
    done = machine.run("update")
    assert done.returncode == 0, done.stderr
    assert machine.says() == "kiro-gateway 1.3.0"
    ranges = [headers.get("range") for asked, headers in machine.releases.asked if asked == path]
    assert ranges == [None, "bytes=100-", "bytes=200-"]


@contextmanager
def halfway(machine: Machine) -> Iterator["subprocess.Popen[str]"]:
    """An update that has a part of the archive and waits for the rest."""
    path = machine.publish("1.3.0")
    rest = threading.Event()
    machine.releases.trouble[path] = Trouble(cut_after=100, times=1, hold=rest)
    process = machine.start("update")
    try:
        while not any(
            archive.stat().st_size
            for archive in machine.program.parent.glob(".kiro-gateway-update-*/archive")
        ):
            assert process.poll() is None
        yield process
    finally:
        rest.set()
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_what_a_killed_update_left_is_removed_by_a_later_one(machine: Machine) -> None:
    with halfway(machine) as process:
        process.kill()
    (left,) = machine.program.parent.glob(".kiro-gateway-update-*")
    assert machine.run("update").returncode == 0
    assert left.exists(), "somebody may still be at it"
    os.utime(left, (0, 0))
    assert machine.run("update", "--rollback").returncode == 0
    assert sorted(machine.files()) == ["kiro-gateway", "kiro-gateway.previous"]


def test_an_update_that_is_interrupted_leaves_nothing(machine: Machine) -> None:
    before = machine.files()
    with halfway(machine) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert machine.files() == before


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_so_and_changes_nothing(machine: Machine, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as small:
        machine.program = Path(shutil.copy2(machine.program, small))
        machine.releases.publish("1.3.0", machine.build("1.3.0") + os.urandom(100_000))
        before = machine.files()
        done = machine.run("update", HOME=str(tmp_path))
        assert "no room left" in done.stderr
        assert machine.files() == before


def test_a_folder_that_cannot_be_written_is_said_so(machine: Machine, tmp_path: Path) -> None:
    machine.publish("1.3.0")
    with small_disk(tmp_path / "small") as small:
        machine.program = Path(shutil.copy2(machine.program, small))
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
        done = machine.run("update", HOME=str(tmp_path))
    assert "cannot be written by you" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_an_update_is_told_although_the_service_does_not_restart(
    machine: Machine, tmp_path: Path
) -> None:
    unit = machine.home / ".config/systemd/user/kiro-gateway.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    (tmp_path / "systemctl").write_text(
        "#!/bin/sh\ncase $* in *show*) echo ActiveState=active ;; *) echo no >&2; exit 1 ;; esac\n"
    )
    (tmp_path / "systemctl").chmod(0o755)
    machine.publish("1.3.0")
    done = machine.run("update", "--restart", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 1
    assert "Updated kiro-gateway from v1.2.3 to v1.3.0." in done.stdout
    assert "systemctl --user restart kiro-gateway: no" in done.stderr
    assert machine.says() == "kiro-gateway 1.3.0"


def test_there_is_nothing_to_go_back_to_at_first(machine: Machine) -> None:
    done = machine.run("update", "--rollback")
    assert (done.returncode, "no previous version" in done.stderr) == (1, True)


def test_a_python_package_is_told_what_updates_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "update"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Update it with: git pull && make install" in done.stderr


def test_a_proxy_is_gone_through(machine: Machine) -> None:
    machine.publish("1.3.0")
    # Nobody listens there; that it is tried is what matters.
    done = machine.run(
        "update",
        HTTPS_PROXY="http://127.0.0.1:9",
        KIRO_GATEWAY_RELEASES_URL="https://releases.invalid/releases",
    )
    assert done.returncode == 1
    assert "proxy" in done.stderr.lower() or "connect" in done.stderr.lower()
    assert machine.run("update", HTTP_PROXY="http://127.0.0.1:9").returncode == 0, (
        "never for loopback"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--rollback", "--check"),
        ("--rollback", "--version", "1.0.0"),
        ("--allow-downgrade",),
        ("--version", "newest"),
    ],
)
def test_words_that_do_not_go_together_are_a_usage_error(
    machine: Machine, arguments: tuple[str, ...]
) -> None:
    assert machine.run("update", *arguments).returncode == 2
