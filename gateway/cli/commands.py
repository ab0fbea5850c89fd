"""Commands that show examples, and groups that import a command only when it is used."""

import importlib
from collections.abc import Mapping, Sequence

import click


def _write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    if examples:
        with formatter.section("Examples" if len(examples) > 1 else "Example"):
            for example in examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class Command(click.Command):
    """A command with `examples`: lines that work as pasted, shown by --help."""

    def __init__(self, name: str | None, *, examples: Sequence[str], **attributes: object) -> None:
        super().__init__(name, **attributes)  # type: ignore[arg-type]  # click's own, passed on
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples last, where the eye is when --help is done."""
        _write_examples(formatter, self.examples)


class LazyGroup(click.Group):
    """Takes `commands_from`: command name → `module:attribute`, in the order shown by --help.

    Nothing is imported before it is needed, so that `--version` stays instant.
    """

    def __init__(
        self,
        name: str | None,
        *,
        commands_from: Mapping[str, str],
        examples: Sequence[str],
        **attributes: object,
    ) -> None:
        super().__init__(name, **attributes)  # type: ignore[arg-type]  # click's own, passed on
        self.commands_from = commands_from
        self.examples = tuple(examples)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names as they were declared, not sorted."""
        return list(self.commands_from)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in self.commands_from:
            return None
        module, _, attribute = self.commands_from[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples last."""
        _write_examples(formatter, self.examples)
