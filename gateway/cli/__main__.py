"""The command `kiro-gateway`: what every command shares, from exit codes to error lines.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted. A command that has others
says so in its help.
"""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from types import TracebackType
from typing import TYPE_CHECKING

import click

from gateway import __version__
from gateway.cli.commands import LazyGroup
from gateway.errors import GatewayError, SettingsError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PROGRAM = "kiro-gateway"
DEFAULT_COMMAND = "serve"


class RootGroup(LazyGroup):
    """The top level, where no command means `serve`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `serve` in front of bare options: `kiro-gateway --port 9000` starts the gateway."""
        own = {name for option in self.get_params(ctx) for name in option.opts}
        # To a shell that completes the first word, every command is still open.
        bare = not args and not ctx.resilient_parsing
        if bare or (args and args[0].startswith("-") and args[0] not in own):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list["CompletionItem"]:
        """Offer the commands, and the options of `serve` beside our own."""
        offered = super().shell_complete(ctx, incomplete)
        command = self.get_command(ctx, DEFAULT_COMMAND)
        if incomplete.startswith("-") and command is not None:
            known = {item.value for item in offered}
            with command.make_context(DEFAULT_COMMAND, [], ctx, resilient_parsing=True) as serve:
                more = command.shell_complete(serve, incomplete)
            offered += [item for item in more if item.value not in known]
        return offered


@click.group(
    examples=[
        "kiro-gateway                      start the gateway",
        "kiro-gateway demo                 try it without an account",
        "kiro-gateway accounts import me   take over the login of kiro-cli",
        "kiro-gateway keys create laptop --account me",
    ],
    cls=RootGroup,
    commands_from={
        "serve": "gateway.cli.serve:serve",
        "demo": "gateway.cli.demo:demo",
        "config": "gateway.cli.config:config",
        "accounts": "gateway.cli.accounts:accounts",
        "keys": "gateway.cli.keys:keys",
        "admin-key": "gateway.cli.admin_key:admin_key",
        "db": "gateway.cli.db:db",
        "doctor": "gateway.cli.doctor:doctor",
        "update": "gateway.cli.update:update",
        "service": "gateway.cli.service:service",
        "completion": "gateway.cli.completion:completion",
    },
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
@click.version_option(
    __version__, "--version", "-v", prog_name=PROGRAM, message="%(prog)s %(version)s"
)
def root() -> None:
    """OpenAI- and Anthropic-compatible APIs for your own Kiro accounts.

    Without a command, `serve` runs.
    """


def main() -> int:
    """Run the command line of this process and give its exit code."""
    # Whatever this process makes, databases and key files among it, is for its owner alone.
    os.umask(0o077)
    sys.excepthook = _tell_defect
    for stream in (sys.stdout, sys.stderr):
        # A redirected stream on Windows has a legacy encoding, in which printing "✓" would raise.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    code = run(sys.argv[1:])
    return code if _flushed() else code or 1


def _flushed() -> bool:
    """Whether all that was printed has arrived; where it cannot, Python is kept from trying again.

    It would at its end, and complain of what has been said already.
    """
    stream = sys.__stdout__
    try:
        if stream is not None:  # as it is where it was closed from the beginning
            stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        return False
    return True


def _tell_defect(
    kind: type[BaseException], defect: BaseException, traceback: TracebackType | None
) -> None:
    """Print what nobody caught: it may quote whatever was at hand, keys and tokens among it."""
    from traceback import format_exception

    from gateway.logs import safe_traceback

    told = "".join(format_exception(kind, defect, traceback))
    _complain(f"This is a defect of {PROGRAM}; please report it.\n{safe_traceback(told)}")


def run(arguments: Sequence[str]) -> int:
    """Run one command; errors become lines on standard error and an exit code."""
    try:
        result = root.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as exc:
        click.echo(exc.format_message(), err=True)
        return 2
    except click.UsageError as exc:
        where = exc.ctx.command_path if exc.ctx else PROGRAM
        _complain(f"{exc.format_message()} See: {where} --help")
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except click.ClickException as exc:
        _complain(exc.format_message())
        return exc.exit_code
    except SettingsError as exc:
        _complain(str(exc))
        return 2
    except GatewayError as exc:
        _complain(str(exc))
    except OSError as exc:
        _complain(f"{exc.strerror or exc}" + (f": {exc.filename}" if exc.filename else ""))
    else:
        return result if isinstance(result, int) else 0
    return 1


def _complain(message: str) -> None:
    for line in message.splitlines():
        click.echo(f"{PROGRAM}: {line}", err=True)


if __name__ == "__main__":
    sys.exit(main())
