"""`tracker completion`: let the shell complete commands, flags and their values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from tracker.cli.main import COMPLETE_VARIABLE, cli
from tracker.cli.terminal import out


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a shell completion script.

    \b
    bash  eval "$(tracker completion bash)"     in ~/.bashrc
    zsh   eval "$(tracker completion zsh)"      in ~/.zshrc
    fish  tracker completion fish | source      in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    out(kind(cli, {}, "tracker", COMPLETE_VARIABLE).source())
