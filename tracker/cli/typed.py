"""Commands that are printed for a person to type next."""

from __future__ import annotations

import shlex

import click
from click.core import ParameterSource


def typed(*words: str) -> str:
    """`tracker …` as this person would type it: for the same runs, and quoted for a shell.

    --runs is in it where it was given by hand; the environment goes on to say it by itself.
    """
    context = click.get_current_context(silent=True)
    folder: list[str] = []
    if context is not None:
        root = context.find_root()
        if root.get_parameter_source("runs") is ParameterSource.COMMANDLINE:
            folder = ["--runs", str(root.params["runs"])]
    return shlex.join(["tracker", *folder, *words])
