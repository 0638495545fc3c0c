"""Files that are whole or absent: written beside and renamed, read strictly, named safely.

What is promised holds for the death of a process at any instruction. For a power cut it holds as
far as the disk honours fsync (a local ext4 or xfs does).
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from tracker.errors import Damaged, Unavailable, UsageError, printable

JSON_LIMIT = 64 * 2**20  # bytes: far above any honest file, far below what hurts
INTEGER_LIMIT = 2**63  # no count, seed or size comes near; what does, nothing can compute with
NAME_LIMIT = 255  # bytes in one path component, on every common file system

_BESIDE = re.compile(r"\..+\.\d+-[0-9a-f]{8}\.tmp")  # what `_beside` names

_REMEDIES = {
    errno.ENOSPC: ("disk full", "free some space"),
    errno.EDQUOT: ("disk quota reached", "free some space or ask for a larger quota"),
    errno.EFBIG: ("the file is larger than allowed here", "check `ulimit -f` and the file system"),
    errno.EACCES: ("permission denied", "check who owns it, or name another place"),
    errno.EPERM: ("not permitted", "check who owns it, or name another place"),
    errno.EROFS: ("the file system is read-only", "remount it, or name another place"),
    errno.EEXIST: ("something else has that name", "move it away, or name another place"),
    errno.ENOENT: ("not found", "check that the folder is there and was not removed meanwhile"),
    errno.ENOTDIR: ("a part of the path is a file", "name another place"),
    errno.EISDIR: ("is a directory", "name a file"),
    errno.ENAMETOOLONG: ("the name is too long", "shorten it"),
    errno.EMFILE: ("too many open files", "raise `ulimit -n`"),
    errno.ESTALE: ("the network file system lost it", "check the mount"),
    errno.EIO: ("the disk reports an error", "check the disk (dmesg)"),
}


def one_line(text: str, limit: int) -> str:
    """`text` as one printable line of at most `limit` characters; "…" stands for what is cut."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


@contextlib.contextmanager
def explain_os_error(action: str, path: Path) -> Iterator[None]:
    """Make Unavailable of an OSError inside: what was tried, where, why not, and what helps.

    `action` is an infinitive, such as "write". The OSError stays behind as `__cause__`.
    """
    try:
        yield
    except OSError as error:
        reason, remedy = _REMEDIES.get(
            error.errno or 0, (error.strerror or str(error), "check the path and the disk")
        )
        message = f"cannot {action} {printable(str(path))}: {reason}; {remedy}"
        raise Unavailable(message) from error


def is_disk_full(error: Unavailable) -> bool:
    """Whether room on the disk is all that was missing."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, and fsync it. Not atomic: for folders nobody sees yet.

    Raises Unavailable where the disk refuses.
    """
    with explain_os_error("write", path):
        _write_synced(path, data)


def write_atomic(path: Path, data: str | bytes | memoryview) -> None:
    """Put `data` (text as UTF-8) at `path`: a reader, or a crash, finds the old or the new file.

    Written to a hidden sibling, fsynced, renamed, and the folder fsynced. On an error the old file
    is untouched and the sibling gone; after a kill the sibling `.<name>.*.tmp` may stay.
    Raises Unavailable where the disk refuses.
    """
    payload = data.encode() if isinstance(data, str) else data
    with explain_os_error("write", path), _beside(path) as beside:
        _write_synced(beside, payload)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """`write_atomic` for what is too long to hold: a file to write to, at `path` once all is well.

    Raises Unavailable where the disk refuses; every OSError raised inside is taken for that.
    """
    with explain_os_error("write", path), _beside(path) as beside, beside.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def link_atomic(path: Path, target: str) -> None:
    """Make `path` a symbolic link to `target`, in place of whatever link or file is there.

    Raises Unavailable where the disk refuses.
    """
    with explain_os_error("link", path), _beside(path) as beside:
        beside.symlink_to(target)


def half_written(folder: Path) -> list[Path]:
    """What `write_atomic` and `link_atomic` left in `folder` when they were killed, or are at.

    Empty where there is no such folder, or a link. Raises OSError.
    """
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if _BESIDE.fullmatch(path.name)]


def sync_directory(path: Path) -> None:
    """Make renames inside `path` survive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot, and need not
            raise
    finally:
        os.close(descriptor)


def to_json(document: Any) -> bytes:
    r"""`document` as strict JSON, indented by 2 and ending in a line end; NaN and ±inf are null.

    UTF-8; a lone surrogate (a byte of a file name that is not UTF-8) becomes its \uXXXX escape.
    """
    text = json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def write_json(path: Path, document: Any) -> None:
    """`write_atomic` of `to_json(document)`."""
    write_atomic(path, to_json(document))


def read_json(path: Path) -> Any:
    """The value in a JSON file that tracker wrote.

    Raises Damaged where it is missing, torn, no regular file, over 64 MiB, not strict JSON or holds
    an integer of 2**63 or more or a number beyond a float, and Unavailable where it may not be
    read.
    """
    data = read_bytes(path, JSON_LIMIT)
    try:
        return _DECODER.decode(data.decode())
    except (ValueError, RecursionError) as error:
        reason = printable(str(error))[:200] if data else "it is empty"
        raise Damaged(f"{printable(str(path))} is not the JSON tracker wrote: {reason}") from error


def read_bytes(path: Path, limit: int) -> bytes:
    """What a file of a run holds.

    Raises Damaged where it is missing, no regular file or over `limit` bytes, and Unavailable where
    it may not be read.
    """
    try:
        return _read_regular(path, limit)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Damaged(f"{printable(str(path))} is missing") from error
    except OSError:
        with explain_os_error("read", path):
            raise


def safe_join(root: Path, *names: str) -> Path:
    """`root`/name/…, surely inside `root`, whoever chose the names.

    Raises UsageError for a name that is empty, hidden, begins with "-", holds a separator or what
    cannot be printed, or is longer than 255 bytes; Damaged where a link leads out of `root`.
    """
    for name in names:
        if fault := _name_fault(name):
            raise UsageError(f"{ascii(name)[:80]} cannot name a folder: {fault}")
    path = root.joinpath(*names)
    real_root = os.path.realpath(root)
    if os.path.commonpath([real_root, os.path.realpath(path)]) != real_root:
        raise Damaged(f"{printable(str(path))} is a link that leads out of {printable(str(root))}")
    return path


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A hidden sibling to fill; it takes the place of `path` if all goes well, else it goes."""
    # Not mkstemp: its 0600 would hide results from the people they are shared with.
    beside = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        yield beside
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            beside.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _name_fault(name: str) -> str | None:
    if not name:
        return "it is empty"
    if name[0] in ".-":
        return f"it begins with {name[0]!r}"
    if "/" in name or "\\" in name:
        return "it holds a path separator"
    if not name.isprintable():
        return "it holds what cannot be printed"
    if len(name.encode()) > NAME_LIMIT:
        return f"it is longer than {NAME_LIMIT} bytes"
    return None


def _write_synced(path: Path, data: bytes | memoryview) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read_regular(path: Path, limit: int) -> bytes:
    # O_NONBLOCK: a pipe of this name must not hang the reader. Plain calls: `tracker ls` reads
    # thousands of files.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise Damaged(f"{printable(str(path))} is not a regular file")
        if facts.st_size > limit:
            raise Damaged(f"{printable(str(path))} is larger than {limit} bytes")
        # Asked for no more than there is: a buffer of `limit` bytes takes longer than the reading.
        return b"".join(iter(lambda: os.read(descriptor, facts.st_size + 1), b""))
    finally:
        os.close(descriptor)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _whole(digits: str) -> int:
    # Before int() sees it, which takes long over many digits.
    number = int(digits) if len(digits) <= 20 else INTEGER_LIMIT
    if abs(number) >= INTEGER_LIMIT:
        raise ValueError(f"a number of {len(digits)} digits")
    return number


def _fraction(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):  # 1e999, which JSON can say and nobody can count with
        raise ValueError(f"{digits[:20]} is beyond all numbers")
    return number


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_int=_whole, parse_float=_fraction
)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
