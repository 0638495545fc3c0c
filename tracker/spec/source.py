"""Where a document comes from: a file, or an argument of the command line."""

from __future__ import annotations

import os
import stat

from tracker.errors import Problem, SpecError, printable
from tracker.spec.node import INVALID, Node, Text
from tracker.spec.scan import scan
from tracker.spec.words import Path, kind

MAX_BYTES = 1_000_000
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read(path: str | os.PathLike[str]) -> tuple[Node, list[Problem]]:
    """The object that a file holds, and what is wrong with single values in it.

    Raises SpecError where there is no regular file of at most 1 MB of UTF-8 (a byte order mark
    is allowed) that is one JSON object. Pipes and devices are refused without being read.
    """
    name = os.fspath(path)
    node, problems = scan(Text(name, _decode(name, _bytes(name))))
    if not isinstance(node.value, dict):
        message = f"an experiment must be an object, {{…}}, and this is {kind(node.value)}"
        raise SpecError([*problems, node.problem((), message)])
    return node, problems


def argument(name: str, text: str, path: Path) -> tuple[Node, list[Problem]]:
    """The value at `path` that an argument gives: JSON where it is that, else `text` itself.

    Text that begins like a list, an object or a quoted string is taken for JSON even where it
    is faulty.
    """
    source = Text(name, text, whole=False)
    try:
        return scan(source, path)
    except SpecError as error:
        if text.lstrip()[:1] in ("{", "[", '"'):
            return Node(INVALID, source), list(error.problems)
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return Node(INVALID, source), [source.problem(0, path, "is not valid UTF-8")]
    return Node(text, source), []


def _bytes(name: str) -> bytes:
    try:
        descriptor = os.open(name, _FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _refused(name, "is not a regular file")
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refused(name, "not found") from None
    except IsADirectoryError:
        raise _refused(name, "is a directory; name an experiment file in it") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL or a surrogate in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(name, f"cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise _refused(name, "is larger than 1 MB: this is no experiment file")
    return data


def _decode(name: str, data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _refused(name, "must be UTF-8, and this is UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        message = f"must be UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}"
        raise SpecError([Text(name, before).problem(len(before), (), message)]) from None


def _refused(name: str, message: str) -> SpecError:
    return SpecError([Problem(printable(name), 0, 0, "", message)])
