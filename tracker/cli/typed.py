"""Commands that are printed for a person to type next."""

from __future__ import annotations

import re
import shlex

import click
from click.core import ParameterSource

# Hints in sentences, as anybody may write them who knows nothing of the command line. These
# commands look at no runs, and --runs would only confuse.
_HINT = re.compile(r"`tracker (?!-|(?:init|schema|validate|models|datasets|data|completion)\b)")


def typed(*words: str) -> str:
    """`tracker …` as this person would type it: for the same runs, and quoted for a shell.

    --runs is in it where it was given by hand; the environment goes on to say it by itself.
    """
    return shlex.join(["tracker", *_folder(), *words])


def pasteable(text: str) -> str:
    """`text` with the same --runs in each hint in it that stands in backticks: "`tracker ls`"."""
    folder = _folder()
    if not folder:
        return text
    return _HINT.sub(lambda _: f"`{shlex.join(['tracker', *folder])} ", text)


def _folder() -> list[str]:
    context = click.get_current_context(silent=True)
    if context is None:
        return []
    root = context.find_root()
    if root.get_parameter_source("runs") is not ParameterSource.COMMANDLINE:
        return []
    return ["--runs", str(root.params["runs"])]
