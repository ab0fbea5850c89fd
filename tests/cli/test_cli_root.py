import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from gateway import __version__
from gateway.cli.__main__ import root
from gateway.cli.commands import Command, LazyGroup
from gateway.settings.load import FLAGS

Invoke = Callable[..., tuple[int, str, str]]


def commands(
    group: LazyGroup, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, LazyGroup):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


assert isinstance(root, LazyGroup)
COMMANDS = dict(commands(root))


def options(command: click.Command) -> set[str]:
    return {name for param in command.params for name in (*param.opts, *param.secondary_opts)}


def test_the_commands_are_the_documented_ones() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "",
        "serve",
        "demo",
        "config",
        "config check",
        "config init",
        "config show",
        "accounts",
        "accounts add",
        "accounts import",
        "accounts list",
        "accounts login",
        "accounts refresh",
        "accounts quota",
        "accounts models",
        "accounts profile",
        "accounts enable",
        "accounts disable",
        "accounts remove",
        "keys",
        "keys create",
        "keys list",
        "keys disable",
        "keys enable",
        "keys rotate",
        "keys remove",
        "admin-key",
        "admin-key reset",
        "db",
        "db upgrade",
        "db backup",
        "db import",
        "doctor",
        "update",
        "service",
        "service install",
        "service uninstall",
        "service status",
        "completion",
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(
    path: tuple[str, ...], invoke: Invoke
) -> None:
    code, out, _ = invoke(*path, "--help")
    assert code == 0
    command = COMMANDS[path]
    assert isinstance(command, Command | LazyGroup)
    assert command.examples
    for example in command.examples:
        assert f"  {example}\n" in out
        assert example.startswith("kiro-gateway")


# The demo reads no settings and keeps its database in a folder of its own; a completion script
# depends on neither.
WITH_SETTINGS = [
    path
    for path, command in COMMANDS.items()
    if isinstance(command, Command) and path not in {("demo",), ("completion",)}
]


@pytest.mark.parametrize("path", WITH_SETTINGS, ids=" ".join)
def test_every_command_takes_a_settings_file_and_a_database(path: tuple[str, ...]) -> None:
    assert {"--config", "-c", "--db-path"} <= options(COMMANDS[path])


@pytest.mark.parametrize(
    "path",
    [path for path in WITH_SETTINGS if path not in {("serve",), ("config", "init")}],
    ids=" ".join,
)
def test_every_command_that_prints_data_can_print_json(path: tuple[str, ...]) -> None:
    assert "--json" in options(COMMANDS[path])


def test_serve_takes_exactly_the_documented_flags() -> None:
    documented = (
        "--host -H --port -p --log-level -l --log-format --admin-key --admin-local-only "
        "--no-admin-local-only --no-health-check --health-check-interval --first-token-timeout "
        "--first-token-max-retries --max-payload-bytes --auto-trim-payload "
        "--no-auto-trim-payload --db-path --open -o --config -c"
    )
    assert options(COMMANDS["serve",]) == set(documented.split())
    assert set(FLAGS.values()) <= set(documented.split())


def test_the_version_is_printed() -> None:
    assert (
        subprocess.check_output([sys.executable, "-m", "gateway", "--version"], text=True)
        == f"kiro-gateway {__version__}\n"
    )


def test_the_version_loads_nothing_heavy() -> None:
    probe = (
        "import sys; from gateway.cli.__main__ import run; run(['--version']);"
        "heavy = {'sqlalchemy', 'starlette', 'aiohttp', 'msgspec', 'yaml', 'asyncio', 'rich'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.check_output([sys.executable, "-c", probe], text=True)
    assert out.splitlines()[1] == "[]"


@pytest.mark.parametrize("command", ["accounts", "keys"])
def test_a_list_as_json_loads_no_server(command: str) -> None:
    probe = (
        "import sys; from gateway.cli.__main__ import run;"
        "run(['accounts', 'add', 'work']); run(['keys', 'create', 'k', '--account', 'work']);"
        f"run(['{command}', 'list', '--json']);"
        "heavy = {'starlette', 'uvicorn', 'httpx', 'asyncpg', 'rich', 'prometheus_client'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.check_output([sys.executable, "-c", probe], text=True)
    assert out.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--prot", "1"), "No such option"),
        (("nonsense",), "No such command 'nonsense'"),
        (("keys", "create", "x"), "Missing option '--account'"),
        (("keys", "create", "x", "--account", "a", "--expires", "soon"), "neither a span"),
        (("keys", "create", "x", "--account", "a", "--tokens-per-day", "0"), "--tokens-per-day"),
        (("serve", "--port", "99999"), "server.port (flag --port)"),
        (("config", "check", "--config", "missing.yaml"), "missing.yaml: No such file"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], told: str, invoke: Invoke
) -> None:
    code, out, err = invoke(*arguments)
    assert code == 2
    assert out == ""
    assert told in err
    assert err.startswith("kiro-gateway: ")
    assert err.count("\n") == 1


def test_a_group_without_command_shows_its_help_and_exits_with_2(invoke: Invoke) -> None:
    code, out, err = invoke("keys")
    assert (code, out) == (2, "")
    assert "create" in err


@pytest.mark.parametrize("encoding", ["ascii", "cp932"])
def test_a_redirected_stream_of_any_encoding_takes_any_text(encoding: str) -> None:
    script = (
        "import sys; from gateway.cli.__main__ import main; import click;"
        "sys.argv = ['kiro-gateway', '--version']; main(); click.echo('\\u2713 \\ud800')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "✓".encode() in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("config", "show")])
def test_a_full_disk_under_standard_output_is_said_once(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "kiro-gateway: No space left on device\n")
