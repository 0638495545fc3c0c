"""What a check-up has to say: one line each, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tracker.errors import Damaged, Unavailable

Level: TypeAlias = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """Something looked at, and what was found; `remedy` says what to do, if anything.

    `exit_code` is what a problem ends the program with: 5 for a damaged file, 6 for surroundings
    in which tracker cannot work; 0 for all else.
    """

    level: Level
    subject: str
    words: str
    remedy: str = ""
    exit_code: int = 0


def fine(subject: str, words: str) -> Finding:
    """All is as it should be."""
    return Finding("ok", subject, words)


def warning(subject: str, words: str, remedy: str) -> Finding:
    """Nothing is broken, but a person should know."""
    return Finding("warning", subject, words, remedy)


def damaged(subject: str, words: str, remedy: str) -> Finding:
    """A file is not what was written."""
    return Finding("problem", subject, words, remedy, Damaged.exit_code)


def unfit(subject: str, words: str, remedy: str) -> Finding:
    """Runs cannot work here."""
    return Finding("problem", subject, words, remedy, Unavailable.exit_code)
