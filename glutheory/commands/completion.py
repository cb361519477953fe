"""`glutheory completion`: the script with which a shell completes commands, options, networks and files."""

from __future__ import annotations

import click

from glutheory.commands.main import Command
from glutheory.commands.options import SETTINGS

SHELLS = ("bash", "zsh", "fish")

_HELP = """Print the script with which SHELL completes glutheory's commands, options, networks and files.

\b
To install it, once:
  bash   glutheory completion bash > ~/.local/share/bash-completion/completions/glutheory
  zsh    glutheory completion zsh > ~/.zfunc/_glutheory      (with ~/.zfunc in fpath, before compinit)
  fish   glutheory completion fish > ~/.config/fish/completions/glutheory.fish

\b
To try it in the shell at hand:
  bash   eval "$(glutheory completion bash)"
  zsh    eval "$(glutheory completion zsh)"
  fish   glutheory completion fish | source

\b
Examples:
  glutheory completion bash
  glutheory completion zsh
"""


@click.command(cls=Command, name="completion", help=_HELP, context_settings=SETTINGS)
@click.argument("shell", metavar="{bash|zsh|fish}", type=click.Choice(SHELLS))
def completion_command(shell: str) -> None:
    """See `_HELP`."""
    from click.shell_completion import get_completion_class

    from glutheory.commands.main import main

    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(main, {}, "glutheory", "_GLUTHEORY_COMPLETE").source())
