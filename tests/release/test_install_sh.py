"""The installer as people run it: piped into a shell, in a home folder of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.release.release_server import (
    Releases,
    Trouble,
    install_script,
    pack,
    program,
    public_pem,
    release_server,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for Linux and macOS")

TOOLS = (
    *("awk", "basename", "cat", "chmod", "cmp", "cp", "cut", "dirname", "grep", "gzip", "id"),
    *("ln", "mkdir", "mktemp", "mv", "pgrep", "rm", "rmdir", "sed", "sh", "sha256sum", "tar"),
    "uname",
)


@dataclass(slots=True)
class Home:
    """A new user's home folder, a server with releases, and what the shell finds on its PATH."""

    folder: Path
    releases: Releases
    shell: str = "sh"
    login_shell: str = "/bin/bash"
    path: str = os.environ["PATH"]
    keys: str | None = None

    @property
    def program(self) -> Path:
        return self.folder / ".kiro-gateway" / "bin" / "kiro-gateway"

    def script(self) -> str:
        keys = public_pem(self.releases.key) if self.keys is None else self.keys
        return install_script(keys)

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "PATH": self.path,
            "SHELL": self.login_shell,
            "KIRO_GATEWAY_RELEASES_URL": self.releases.url,
        }

    def pipe(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """As `curl … | sh` does, in the home folder."""
        return subprocess.run(
            [self.shell, *(("-s", "--", *arguments) if arguments else ())],
            input=self.script(),
            env={**self.environment(), **more},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def says(self) -> str:
        done = subprocess.run(
            [self.program, "--version"], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    folder = tmp_path / "home of a user"
    folder.mkdir()
    with release_server() as releases:
        yield Home(folder, releases)


def fine(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0, done.stdout
    return done.stderr


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_one_line_installs_the_newest_release_checked_by_sum_and_signature(
    home: Home, shell: str
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not there")
    home.shell = shell
    home.releases.publish("1.2.3")
    told = fine(home.pipe())
    assert home.says() == "kiro-gateway 1.2.3"
    assert "The signature is good." in told
    assert f"Installed kiro-gateway 1.2.3 as {home.program}" in told
    assert [path.name for path in home.program.parent.iterdir()] == ["kiro-gateway"]
    assert home.program.stat().st_mode & 0o777 == 0o755


def test_wget_serves_where_curl_is_not_there(home: Home, tmp_path: Path) -> None:
    wget = shutil.which("wget")
    if wget is None:
        pytest.skip("wget is not there")
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tools / tool).symlink_to(found)
    home.path = str(tools)
    home.releases.publish("1.2.3")
    assert "curl or wget is needed" in refused(home.pipe())
    (tools / "wget").symlink_to(wget)
    told = fine(home.pipe())
    assert home.says() == "kiro-gateway 1.2.3"
    assert "the checksum is checked, the signature is not" in told, "there is no openssl here"


@pytest.mark.parametrize("asked", ["v1.0.0", "1.0.0"])
def test_a_version_can_be_chosen_by_option_and_by_environment(home: Home, asked: str) -> None:
    home.releases.publish("1.0.0")
    home.releases.publish("1.2.3")
    fine(home.pipe("--version", asked))
    assert home.says() == "kiro-gateway 1.0.0"
    fine(home.pipe())
    assert home.says() == "kiro-gateway 1.2.3"
    fine(home.pipe(KIRO_GATEWAY_VERSION=asked))
    assert home.says() == "kiro-gateway 1.0.0", "an older one may be chosen"


@pytest.mark.parametrize("wish", ["../../x", "v1;touch x", "$(touch x)", "v9.9.9"])
def test_a_version_that_is_none_or_not_there_changes_nothing(home: Home, wish: str) -> None:
    home.releases.publish("1.2.3")
    assert "version" in refused(home.pipe("--version", wish))
    assert not home.program.exists()
    assert not (home.folder / "x").exists()


@pytest.mark.parametrize(
    ("installed", "newest"),
    [("1.10.0", "1.9.9"), ("2.0.0", "2.0.0-rc.2"), ("2.0.0-rc.10", "2.0.0-rc.9")],
)
def test_an_older_newest_release_is_refused(home: Home, installed: str, newest: str) -> None:
    home.releases.publish(installed)
    fine(home.pipe())
    home.releases.publish(newest)
    assert f"v{installed} is installed" in refused(home.pipe())
    assert home.says() == f"kiro-gateway {installed}"


@pytest.mark.parametrize(
    ("installed", "newest"),
    [
        ("1.9.9", "1.10.0"),
        ("2.0.0-rc.2", "2.0.0"),
        ("2.0.0-rc.9", "2.0.0-rc.10"),
        ("1.0.0", "1.0.0"),
    ],
)
def test_a_newer_or_the_same_release_replaces_what_is_there(
    home: Home, installed: str, newest: str
) -> None:
    home.releases.publish(installed)
    fine(home.pipe())
    home.releases.publish(newest)
    fine(home.pipe())
    assert home.says() == f"kiro-gateway {newest}"
    previous = home.program.with_name("kiro-gateway.previous")
    assert previous.exists() == (installed != newest)


def tampered(releases: Releases, path: str) -> None:
    releases.files[path] = pack("1.2.4", program("1.2.4", "echo stolen\n"))[1]


def signed_by_another(releases: Releases, path: str) -> None:
    tampered(releases, path)
    releases.seal("1.2.4", Ed25519PrivateKey.generate())


def unsigned(releases: Releases, path: str) -> None:
    del releases.files["/download/v1.2.4/SHA256SUMS.sig"]


def cut(releases: Releases, path: str) -> None:
    releases.trouble[path] = Trouble(cut_after=100)


def shortened(releases: Releases, path: str) -> None:
    releases.files[path] = releases.files[path][:-20]


def of_another_version(releases: Releases, path: str) -> None:
    old = "/download/v1.2.3/"
    for name in ("SHA256SUMS", "SHA256SUMS.sig"):
        releases.files[f"/download/v1.2.4/{name}"] = releases.files[old + name]


@pytest.mark.parametrize(
    "spoil", [tampered, signed_by_another, unsigned, cut, shortened, of_another_version]
)
def test_what_is_not_ours_or_not_whole_is_refused_and_the_old_program_stays(
    home: Home, spoil: "object"
) -> None:
    home.releases.publish("1.2.3")
    fine(home.pipe())
    before = home.program.read_bytes()
    assert callable(spoil)
    spoil(home.releases, home.releases.publish("1.2.4"))
    refused(home.pipe("--version", "1.2.4"))
    assert home.program.read_bytes() == before
    assert [path.name for path in home.program.parent.iterdir()] == ["kiro-gateway"]


def test_a_program_that_does_not_run_here_replaces_nothing(home: Home) -> None:
    home.releases.publish("1.2.3")
    fine(home.pipe())
    home.releases.publish("1.2.4", b"#!/bin/sh\necho no such library >&2\nexit 127\n")
    assert "no such library" in refused(home.pipe())
    assert home.says() == "kiro-gateway 1.2.3"


@pytest.mark.parametrize(
    ("says", "hint"),
    [
        ("libz.so.1: failed to map segment from shared object", "Set TMPDIR to a folder that"),
        ("[PYI-1:ERROR] Failed to extract libz.so.1", "Make room in the temporary folder"),
    ],
    ids=["noexec", "full"],
)
def test_a_temporary_folder_that_will_not_do_is_named(says: str, hint: str, home: Home) -> None:
    home.releases.publish("1.2.3", f"#!/bin/sh\necho '{says}' >&2\nexit 127\n".encode())
    done = home.pipe()
    assert done.returncode == 1
    assert hint in done.stderr
    assert says in done.stderr
    assert not home.program.exists()


@pytest.mark.parametrize(
    "says",
    [
        "libm.so.6: version GLIBC_2.28 not found (required by /tmp/_MEI1/libpython3.12.so.1.0)",
        "sh: kiro-gateway: not found",
    ],
    ids=["older", "musl"],
)
def test_a_system_with_another_c_library_is_told_of_pip(says: str, home: Home) -> None:
    home.releases.publish("1.2.3", f'#!/bin/sh\necho "{says}" >&2\nexit 127\n'.encode())
    assert "pip installs the .whl file" in refused(home.pipe())
    assert not home.program.exists()


def test_what_killed_installations_left_is_removed(home: Home) -> None:
    home.releases.publish("1.2.3")
    fine(home.pipe())
    old, new = (home.program.with_name(f".install.{name}") for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir()
        (folder / "archive").touch()
    os.utime(old, (0, 0))
    fine(home.pipe())
    assert (old.exists(), new.exists()) == (False, True)
    fine(home.pipe("--uninstall"))
    assert not home.program.parent.exists()


def test_a_running_program_is_replaced_and_goes_on(home: Home) -> None:
    home.releases.publish("1.2.3", Path(shutil.which("sleep") or "").read_bytes())
    fine(home.pipe())
    running = subprocess.Popen([home.program, "600"])
    try:
        home.releases.publish("1.2.4")
        told = fine(home.pipe())
        assert running.poll() is None
        assert "until you restart it" in told
    finally:
        running.kill()
        running.wait()
    assert home.says() == "kiro-gateway 1.2.4"


@pytest.mark.parametrize(
    ("login_shell", "profile"),
    [
        ("/bin/bash", ".bashrc"),
        ("/usr/bin/zsh", ".zshrc"),
        ("/bin/dash", ".profile"),
        ("/usr/bin/fish", ".config/fish/conf.d/kiro-gateway.fish"),
    ],
)
def test_the_path_is_told_to_the_shell_once_and_taken_back(
    home: Home, login_shell: str, profile: str
) -> None:
    home.login_shell = login_shell
    home.releases.publish("1.2.3")
    file = home.folder / profile
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("alias ll='ls -l'\n\n\nexport EDITOR=vi\n")
    fine(home.pipe())
    fine(home.pipe())
    assert file.read_text().count(".kiro-gateway/bin") == 1
    if (shell := shutil.which(Path(login_shell).name)) and "fish" not in login_shell:
        found = subprocess.run(
            [shell, "-c", f'. "$HOME/{profile}"; command -v kiro-gateway'],
            env={"HOME": str(home.folder), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == str(home.program)
    fine(home.pipe("--uninstall"))
    assert file.read_text() == "alias ll='ls -l'\n\n\nexport EDITOR=vi\n"


def test_a_profile_that_cannot_be_written_is_said_so(home: Home) -> None:
    (home.folder / ".bashrc").mkdir()
    home.releases.publish("1.2.3")
    told = fine(home.pipe())
    assert "Could not write" in told
    assert 'export PATH="$HOME/.kiro-gateway/bin:$PATH"' in told
    assert "Added" not in told


def test_no_path_leaves_every_profile_alone(home: Home) -> None:
    home.releases.publish("1.2.3")
    fine(home.pipe("--no-path"))
    assert [path.name for path in home.folder.iterdir()] == [".kiro-gateway"]


def test_a_program_in_the_current_folder_is_not_what_a_piped_script_installs(home: Home) -> None:
    for name in ("kiro-gateway", "install.sh", "sh"):
        (home.folder / name).write_bytes(program("6.6.6"))
        (home.folder / name).chmod(0o755)
    home.releases.publish("1.2.3")
    fine(home.pipe())
    assert home.says() == "kiro-gateway 1.2.3"


def test_an_unpacked_archive_installs_what_lies_beside_the_script(home: Home) -> None:
    unpacked = home.folder / "kiro-gateway_v1.2.3_linux_amd64"
    unpacked.mkdir()
    (unpacked / "kiro-gateway").write_bytes(program("1.2.3"))
    (unpacked / "install.sh").write_text(home.script())
    done = subprocess.run(
        ["sh", "./install.sh"],
        cwd=unpacked,
        env=home.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "lies beside this script" in fine(done)
    assert home.says() == "kiro-gateway 1.2.3"
    assert home.releases.asked == []


def test_an_installer_without_a_key_says_that_no_signature_is_checked(home: Home) -> None:
    home.keys = ""
    home.releases.publish("1.2.3")
    assert "knows no release key" in fine(home.pipe())
    path = home.releases.publish("1.2.4")
    tampered(home.releases, path)
    assert "checksum" in refused(home.pipe())
    assert home.says() == "kiro-gateway 1.2.3"


def test_any_of_several_keys_will_do(home: Home) -> None:
    home.keys = public_pem(Ed25519PrivateKey.generate()) + public_pem(home.releases.key)
    home.releases.publish("1.2.3")
    assert "The signature is good." in fine(home.pipe())


def test_half_a_script_does_nothing(home: Home) -> None:
    home.releases.publish("1.2.3")
    whole = home.script()
    for part in range(1, 10):
        done = subprocess.run(
            ["sh"],
            input=whole[: len(whole) * part // 10],
            env=home.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Installed" not in done.stdout
    assert home.releases.asked == []
    assert list(home.folder.iterdir()) == []


def test_uninstall_removes_the_program_and_keeps_the_data_unless_told(home: Home) -> None:
    home.releases.publish("1.2.3")
    fine(home.pipe())
    data = home.folder / ".kiro-gateway" / "kiro-gateway.db"
    data.write_bytes(b"accounts")
    assert "Accounts, keys and settings are still in" in fine(home.pipe("--uninstall"))
    assert not home.program.parent.exists()
    assert data.read_bytes() == b"accounts"
    fine(home.pipe("--uninstall", "--purge"))
    assert not data.parent.exists()
    fine(home.pipe("--uninstall"))


@pytest.mark.parametrize("url", ["http://releases.example/x", "ftp://127.0.0.1/x", "file:///tmp"])
def test_releases_come_over_https_only(home: Home, url: str) -> None:
    assert "must begin with https://" in refused(home.pipe(KIRO_GATEWAY_RELEASES_URL=url))


def test_a_system_without_a_download_is_told_so(home: Home) -> None:
    home.releases.publish("1.2.3")
    path = "/download/v1.2.3/SHA256SUMS"
    home.releases.files[path] = home.releases.files[path].replace(b"amd64", b"riscv")
    home.releases.files[path + ".sig"] = home.releases.key.sign(home.releases.files[path])
    assert "no download for linux on amd64" in refused(home.pipe())


def test_an_unknown_option_is_an_error_that_names_the_help(home: Home) -> None:
    assert "install.sh --help" in refused(home.pipe("--frobnicate"))
    assert "--uninstall" in fine(home.pipe("--help"))
