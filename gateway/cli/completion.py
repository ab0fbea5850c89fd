"""`kiro-gateway completion`."""

from typing import Literal

import click

from gateway.cli.commands import Command


@click.command(
    cls=Command,
    examples=[
        "kiro-gateway completion bash >> ~/.bashrc",
        "kiro-gateway completion zsh >> ~/.zshrc",
        "kiro-gateway completion fish > ~/.config/fish/completions/kiro-gateway.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print a script that makes a shell complete commands and options when Tab is pressed.

    It works from the next shell on, as long as kiro-gateway is on its PATH.
    """
    from click.shell_completion import get_completion_class

    root = ctx.find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    program = root.info_name or ""
    # The variable that click, given this program's name, looks at when it starts.
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    click.echo(kind(root.command, {}, program, variable).source())
