import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

Invoke = Callable[..., tuple[int, str, str]]
PROGRAM = "import sys; from gateway.cli.__main__ import main; sys.exit(main())"


def offered(line: str) -> list[str]:
    """What a shell is told when Tab is pressed at the end of `line`."""
    words = line.split(" ")
    environ = os.environ | {
        "_KIRO_GATEWAY_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    out = subprocess.check_output([sys.executable, "-c", PROGRAM], env=environ, text=True)
    return [found.removeprefix("plain,") for found in out.split()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("kiro-gateway ac", ["accounts"]),
        ("kiro-gateway keys ro", ["rotate"]),
        ("kiro-gateway keys rotate x --ov", ["--overlap"]),
        ("kiro-gateway completion ", ["bash", "zsh", "fish"]),
        ("kiro-gateway --trim", []),
        ("kiro-gateway --log-f", ["--log-format"]),
        ("kiro-gateway --port 80 --log-f", ["--log-format"]),
        ("kiro-gateway --ver", ["--version"]),
        ("kiro-gateway --he", ["--help", "--health-check-interval"]),
    ],
)
def test_tab_completes_commands_options_and_the_options_of_serve(
    line: str, expected: list[str]
) -> None:
    assert offered(line) == expected


def test_the_first_word_may_be_any_command() -> None:
    assert {"serve", "demo", "accounts", "keys", "db", "admin-key"} <= set(offered("kiro-gateway "))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell: str, invoke: Invoke) -> None:
    code, script, _ = invoke("completion", shell)
    assert code == 0
    assert f"_KIRO_GATEWAY_COMPLETE={shell}_complete" in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not there")
def test_bash_completes_with_the_script(
    invoke: Invoke, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = tmp_path_factory.mktemp("bin") / "kiro-gateway"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}\n")
    program.chmod(0o755)
    script = invoke("completion", "bash")[1]
    session = f"""{script}
COMP_WORDS=(kiro-gateway keys rem); COMP_CWORD=2
_kiro_gateway_completion {program}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    out = subprocess.check_output(["bash", "--norc"], input=session, text=True)
    assert out.split() == ["remove"]


def test_another_shell_is_refused(invoke: Invoke) -> None:
    code, out, err = invoke("completion", "tcsh")
    assert (code, out) == (2, "")
    assert "'tcsh' is not one of" in err
