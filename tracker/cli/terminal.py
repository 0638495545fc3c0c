"""What every command says goes through here: data to stdout, words to stderr, no control codes.

Names in specs, run directories and argv are other people's strings. Printed raw, one of them could
clear the screen, retitle the terminal or, through bidirectional marks, read as another name.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Literal

import click

from tracker.cli.typed import pasteable
from tracker.errors import printable


def out(text: str) -> None:
    """Data: one or more lines to stdout, made printable."""
    click.echo(printable(text, keep="\n"))


def say(text: str) -> None:
    """Words for the person watching: one or more lines to stderr, made printable.

    Commands in backticks among them are made such that they can be pasted (`typed.pasteable`).
    Where nobody can hear them any more (a closed pipe, a full disk) they are let go: a run must not
    end because the window that showed its progress did.
    """
    with contextlib.suppress(OSError):
        click.echo(printable(pasteable(text), keep="\n"), err=True)


def is_terminal() -> bool:
    """Whether stdout is a screen someone looks at: in CI it may be a terminal, but nobody does."""
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("CI")


def colours() -> Literal["auto"] | None:
    """What a rich Console may use: with NO_COLOR no style at all, where rich would keep bold."""
    return None if os.environ.get("NO_COLOR") else "auto"


def can_ask() -> bool:
    """Whether somebody is there to answer: both sides of the talk are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
