"""JSON text → Nodes. Stricter than `json.loads`, and with a word of help for each mistake.

No NaN or Infinity, no number too large to hold, no duplicate key, no lone surrogate, nothing
nested deeper than 64. Text that breaks such a rule of values is read on, so that its other
problems are found too; text that breaks JSON's grammar (RFC 8259) is not.
"""

from __future__ import annotations

import math
import re
from typing import Any, NoReturn

from tracker.errors import Problem, SpecError, printable
from tracker.spec.node import INVALID, Node, Text
from tracker.spec.words import Path, shorten

MAX_DEPTH = 64
MAX_VALUES = 50_000  # a real file has some dozens; this bounds the time that a silly one takes
MAX_INTEGER = 2**63 - 1

_SPACE = re.compile(r"[ \t\n\r]*")
_INSIDE = r'[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*'
_STRING = re.compile(f'"({_INSIDE})"')
_UNTIL_WRONG = re.compile(f'"{_INSIDE}')
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"[-+.\w]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LITERALS = {"true": True, "false": False, "null": None}
_NOT_FINITE = {"NaN", "Infinity", "-Infinity"}
_MEANT = {"True": "true", "False": "false", "None": "null", "undefined": "null"}


def scan(text: Text, path: Path = ()) -> tuple[Node, list[Problem]]:
    """The JSON value that `text` is, and what is wrong with values in it.

    Such values are INVALID in the Node. Problems are said to lie below `path`. Raises SpecError,
    with the problems found so far and the last one, where the grammar is broken.
    """
    scanner = _Scanner(text, path)
    return scanner.document(), scanner.problems


class _Scanner:
    """Reads from left to right; `at` is the offset of the next character."""

    def __init__(self, source: Text, path: Path) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.values = 0
        self.path = list(path)
        self.problems: list[Problem] = []

    def document(self) -> Node:
        self.space()
        if self.at == len(self.text):
            self.fail('is empty; an experiment is at least {"name": "…"}')
        node = self.value(0)
        self.space()
        if self.at < len(self.text):
            self.fail_at_foreign()
            self.fail("more text after the end of the JSON value")
        return node

    def value(self, depth: int) -> Node:
        start = self.at
        self.values += 1
        if self.values > MAX_VALUES:
            self.fail(f"more than {MAX_VALUES:,} values: this is no experiment file")
        first = self.text[start : start + 1]
        value: Any
        if first == '"':
            value = self.string()
        elif first == "{":
            value = self.object(depth + 1)
        elif first == "[":
            value = self.array(depth + 1)
        else:
            value = self.word()
        return Node(value, self.source, start)

    def object(self, depth: int) -> dict[str, Node]:
        opened = self.enter(depth)
        found: dict[str, Node] = {}
        if self.passes("}"):
            return found
        while True:
            start = self.at
            key = self.key(opened)
            self.path.append(key)
            node = self.value(depth)
            node.key = start
            if key in found:
                self.problems.append(self.twice(found[key], node))
            found[key] = node
            self.path.pop()
            if self.ends("}", opened):
                return found

    def array(self, depth: int) -> list[Node]:
        opened = self.enter(depth)
        found: list[Node] = []
        if self.passes("]"):
            return found
        while True:
            self.path.append(len(found))
            found.append(self.value(depth))
            self.path.pop()
            if self.ends("]", opened):
                return found

    def enter(self, depth: int) -> int:
        if depth > MAX_DEPTH:
            self.fail(f"nested deeper than {MAX_DEPTH}")
        opened = self.at
        self.at += 1
        self.space()
        return opened

    def ends(self, close: str, opened: int) -> bool:
        """Whether the object or list ends here; if not, its comma is passed."""
        self.space()
        if self.passes(close):
            return True
        comma = self.at
        if not self.passes(","):
            self.fail_at_end(opened)
            self.fail_at_foreign()
            self.fail(f"a comma or '{close}' is expected here, not {self.here()}")
        self.space()
        if self.text.startswith(close, self.at):
            self.at = comma
            self.fail(f"a trailing comma: JSON allows none before '{close}'")
        return False

    def key(self, opened: int) -> str:
        if not self.text.startswith('"', self.at):
            self.fail_at_end(opened)
            self.fail_at_foreign()
            self.fail(f"a key in double quotes is expected here, not {self.here()}")
        key = self.string()
        self.space()
        if not self.passes(":"):
            self.fail_at_end(opened)
            self.fail(f"a colon is expected after the key, not {self.here()}")
        self.space()
        return key if isinstance(key, str) else "?"

    def string(self) -> Any:
        match = _STRING.match(self.text, self.at)
        if match is None:
            self.fail_in_string()
        value = match[1]
        if "\\" in value:
            value = _ESCAPE.sub(_unescape, value)
            value = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        if _SURROGATE.search(value):
            self.refuse("half of a character (a lone surrogate) in a string")
            value = INVALID
        self.at = match.end()
        return value

    def word(self) -> Any:
        match = _WORD.match(self.text, self.at)
        if match is None:
            self.fail_at_foreign()
            self.fail(f"a value is expected here, not {self.here()}")
        word = match[0]
        value: Any = INVALID
        if word in _LITERALS:
            value = _LITERALS[word]
        elif number := _NUMBER.fullmatch(word):
            value = self.number(word, whole=number[1] is None and number[2] is None)
        elif word in _NOT_FINITE:
            self.refuse(f"{word} is not JSON; write a finite number, or null")
        else:
            self.fail_at_word(word)
        self.at = match.end()
        return value

    def number(self, word: str, *, whole: bool) -> Any:
        if len(word) > 400 or (whole and len(word) > 20):
            self.refuse(f"number too large: {shorten(word, 20)} ({len(word)} characters)")
            return INVALID
        value = int(word) if whole else float(word)
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            self.refuse(f"number too large: {word}; integers end at {MAX_INTEGER}")
        elif not math.isfinite(value):
            self.refuse(f"{shorten(word)} is not a finite number")
        else:
            return value
        return INVALID

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match  # it matches nothing, too
        self.at = match.end()

    def passes(self, character: str) -> bool:
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def refuse(self, message: str) -> None:
        self.problems.append(self.source.problem(self.at, tuple(self.path), message))

    def fail(self, message: str) -> NoReturn:
        problem = self.source.problem(self.at, tuple(self.path), message)
        raise SpecError([*self.problems, problem])

    def here(self) -> str:
        return f"'{printable(self.text[self.at])}'" if self.at < len(self.text) else "the end"

    def twice(self, first: Node, second: Node) -> Problem:
        lines = " and ".join(str(self.source.place(node.key)[0]) for node in (first, second))
        message = f"duplicate key '{shorten(str(self.path[-1]))}' (lines {lines})"
        return second.key_problem(tuple(self.path), message)

    def fail_at_foreign(self) -> None:
        if self.text.startswith(("#", "//", "/*"), self.at):
            self.fail('a comment: JSON has none; put words into "description"')
        if self.text.startswith("'", self.at):
            self.fail("a single quote: JSON's strings take double quotes")

    def fail_at_end(self, opened: int) -> None:
        if self.at == len(self.text):
            line, column = self.source.place(opened)
            where = f" of {line}:{column}" if line else ""
            self.fail(f"the end, but the '{self.text[opened]}'{where} is not closed")

    def fail_at_word(self, word: str) -> NoReturn:
        if word in _MEANT:
            self.fail(f"{word} is not JSON; write {_MEANT[word]}")
        if word[0] in "-+.0123456789":
            rule = "no sign '+', no leading zero, digits on both sides of the point"
            self.fail(f"'{shorten(word)}' is no number in JSON: {rule}")
        self.fail(f"'{shorten(word)}' is not JSON; strings take double quotes")

    def fail_in_string(self) -> NoReturn:
        match = _UNTIL_WRONG.match(self.text, self.at)
        assert match  # it needs the opening quote only
        opened, self.at = self.at, match.end()
        if self.at == len(self.text):
            self.at = opened
            self.fail("a string without a closing quote")
        wrong = self.text[self.at : self.at + 2]
        if wrong[0] == "\\":
            self.fail(f"'{printable(wrong)}' is no escape in JSON; a backslash is written \\\\")
        self.fail(f"a {self.here()} inside a string; is the closing quote missing?")


def _unescape(match: re.Match[str]) -> str:
    code, letter = match.groups()
    return chr(int(code, 16)) if code else _ESCAPES.get(letter, letter)
