"""Values that know where they stand, so that every later complaint can point there."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any, Final

from tracker.errors import Problem, printable
from tracker.spec.words import Path, dotted

INVALID: Final = object()  # stands for a value that was already complained about


class Text:
    """A file's text; or, where `whole` is False, an argument's: places in it are not counted."""

    def __init__(self, name: str, text: str = "", *, whole: bool = True) -> None:
        self.name = printable(name)
        self.text = text
        self.whole = whole
        self._lines: list[int] = []

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, in characters from 1, of a character; (0, 0) in an argument."""
        if not self.whole:
            return 0, 0
        if not self._lines:  # only a file with a problem pays for this
            lengths = (len(line) + 1 for line in self.text.split("\n"))
            self._lines = list(accumulate(lengths, initial=0))
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def problem(self, offset: int, path: Path, message: str) -> Problem:
        """Something wrong at a character of this text."""
        return Problem(self.name, *self.place(offset), dotted(path), message)


class Node:
    """A JSON value and where it stands.

    `value` is a dict of str to Node, a list of Node, a str, int, float, bool, None or INVALID.
    `key` is the offset of the key that names it in its object, or its own offset. Nodes are
    shared between the runs of a matrix and must not be changed once built.
    """

    __slots__ = ("key", "start", "text", "value")

    def __init__(self, value: Any, text: Text, start: int = 0, key: int | None = None) -> None:
        self.value = value
        self.text = text
        self.start = start
        self.key = start if key is None else key

    def holding(self, value: Any) -> Node:
        """Another value at the same place."""
        return Node(value, self.text, self.start, self.key)

    def problem(self, path: Path, message: str) -> Problem:
        """Something wrong with the value."""
        return self.text.problem(self.start, path, message)

    def key_problem(self, path: Path, message: str) -> Problem:
        """Something wrong with the key."""
        return self.text.problem(self.key, path, message)


def place(value: Any, text: Text) -> Node:
    """A plain value as a Node at the beginning of `text`. Tuples count as lists."""
    if isinstance(value, dict):
        return Node({key: place(item, text) for key, item in value.items()}, text)
    if isinstance(value, (list, tuple)):
        return Node([place(item, text) for item in value], text)
    return Node(value, text)


def plain(node: Node) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    return [plain(item) for item in node.value] if isinstance(node.value, list) else node.value
