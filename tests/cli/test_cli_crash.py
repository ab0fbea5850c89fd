"""What is printed when the program itself is broken, or what it is given."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway_process import COMMAND

# Told by a form of its own, by its name, by its place in a URL.
SECRETS = {
    "key": "sk-kiro-hush-hush-hush",
    "client_secret": "hush'of no \"form",
    "url": "postgresql://me:hush-password@h/db",
}
BROKEN = f"""
import sys
from gateway.cli import __main__ as program

def fail(arguments):
    held = {SECRETS!r}
    try:
        raise KeyError(held)
    except KeyError as exc:
        raise RuntimeError(f"cannot start with {{held}} or {{held!r}}") from exc

program.run = fail
sys.exit(program.main())
"""


def test_a_defect_at_start_is_told_without_secrets() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "defect" in done.stderr
    assert "RuntimeError: cannot start with" in done.stderr
    assert "KeyError" in done.stderr
    assert "hush" not in done.stdout + done.stderr


CONFIGS = {
    "a list for a key": 'auth:\n  admin_key: ["hush-one"]\n',
    "text without an end": 'auth:\n  admin_key: "hush-one\n',
    "a channel of another scheme": (
        'notifications:\n  channels:\n    - {type: teams, url: "ftp://hush:hush@h/hush"}\n'
    ),
    "a port that is none": 'tenant:\n  database_url: "postgresql://me:hush@127.0.0.1:x/y"\n',
    "a proxy of another scheme": 'upstream:\n  proxy: "ftp://me:hush@h:1"\n',
    "a misspelled name": "auth:\n  admin_keyy: hush-one\n",
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_settings_that_make_no_sense_are_told_without_their_values(
    tmp_path: Path, config: str
) -> None:
    (tmp_path / "config.yaml").write_text(config, "utf-8")
    refused(tmp_path, "config.yaml", {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KIRO_GATEWAY_SECRET_KEY", "hush-hush"),
        ("KIRO_GATEWAY_TENANT_DATABASE_URL", "postgresql://me:hush@127.0.0.1:9/x?sslmode=no"),
        ("KIRO_GATEWAY_TENANT_DATABASE_URL", "postgresql://me:hush%zz@[::1/x"),
        ("KIRO_GATEWAY_TENANT_DATABASE_URL", "postgresql://me:hush@127.0.0.1:9/x"),
        ("KIRO_GATEWAY_UPSTREAM_PROXY", "socks5://me:hush@h:99999"),
        ("KIRO_GATEWAY_UPSTREAM_PROXY", "http://me:hush@[bad"),
    ],
)
def test_an_environment_that_makes_no_sense_is_told_without_its_values(
    tmp_path: Path, name: str, value: str
) -> None:
    refused(tmp_path, None, {name: value})


def refused(folder: Path, config: str | None, environment: dict[str, str]) -> None:
    command = [COMMAND, "serve", "--log-level", "debug", *(["--config", config] if config else [])]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in {1, 2}
    assert done.stderr.startswith("kiro-gateway: ")
    assert "Traceback" not in done.stderr
    assert "hush" not in done.stdout + done.stderr
