"""What git knows of the code: asked politely (no locks, no prompts, no hooks), with a deadline."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PATCH_LIMIT = 4 * 2**20  # bytes
ANSWER_LIMIT = 64 * 2**20  # bytes
NAMES_LIMIT = 200  # untracked files named
DEADLINE = 5.0  # seconds for all questions together
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, kw_only=True)
class Code:
    """The state of a working tree. `commit` is None before the first one, `branch` when detached.

    `dirty`: a tracked file differs from the commit. `untracked` names the first 200 files and
    folders that git neither tracks nor ignores, of `untracked_count`. `patch_missing` says why
    there is no patch though the tree is dirty, else None. `remote` carries no credentials.
    """

    root: str
    commit: str | None
    branch: str | None
    dirty: bool
    remote: str | None
    untracked: tuple[str, ...]
    untracked_count: int
    patch_missing: str | None


@dataclass(frozen=True)
class Changed:
    """A file that two commits hold differently; lines are None where it is binary.

    `before` and `after` name its contents as git does, all zeros where it was not there.
    """

    path: str
    before: str
    after: str
    added: int | None
    removed: int | None


class _NoAnswerError(Exception):
    """git is absent, refused, or too slow; the text says which."""


def look(places: Sequence[Path], *, patch: bool = True) -> tuple[Code | None, bytes, str | None]:
    """The code around the first of `places` that is in a repository, and its patch.

    Returns (code, patch, None), or (None, b"", reason) where there is none. Never raises.
    """
    end = time.monotonic() + DEADLINE
    reasons: dict[str, None] = {}
    for place in places:
        found = _try(place, end, patch=patch)
        if not isinstance(found, str):
            return (*found, None)
        reasons[found] = None
    return None, b"", "; ".join(reasons)


def between(place: Path, before: str, after: str) -> tuple[Changed, ...] | str:
    """The files that differ between two commits, given by their full hashes, in path order.

    The repository is that around `place`. A reason in words where it can't be told (not a
    repository, a commit it does not have). Never raises.
    """
    if not (_COMMIT.fullmatch(before) and _COMMIT.fullmatch(after)):
        return "no commit has such a name"
    end = time.monotonic() + DEADLINE
    options = ("--raw", "--numstat", "-z", "--no-abbrev", "--no-renames", "--no-textconv")
    try:
        answer = _ask(place, end, "diff-tree", "-r", *options, before, after, "--")
    except _NoAnswerError as error:
        return str(error)
    except OSError as error:
        return f"git cannot be asked: {error}"
    return _changed([os.fsdecode(word) for word in answer.split(b"\0")])


def _changed(words: Sequence[str]) -> tuple[Changed, ...]:
    """Read git's answer: ":mode mode blob blob status", path, … and then "added removed path" …"""
    end = 0
    while words[end].startswith(":"):
        end += 2
    blobs = {words[at + 1]: words[at].split()[2:4] for at in range(0, end, 2)}
    counts = (word.split("\t", 2) for word in words[end:] if word)
    return tuple(
        Changed(path, blobs[path][0], blobs[path][1], _lines(added), _lines(removed))
        for added, removed, path in counts
    )


def _lines(count: str) -> int | None:
    return None if count == "-" else int(count)


def without_credentials(text: str) -> str:
    """`text` with the user and password, query and fragment of any URL in it left out."""
    bare = re.sub(r"(?<=://)[^/@\s]*@", "", text)
    return re.sub(r"(://[^\s?#]*)[?#]\S*", r"\1", bare)


def _try(place: Path, end: float, *, patch: bool) -> tuple[Code, bytes] | str:
    try:
        answer = _ask(place, end, "rev-parse", "--show-toplevel")
        return _look_at(Path(os.fsdecode(answer.removesuffix(b"\n"))), end, patch=patch)
    except _NoAnswerError as error:
        return str(error)
    except OSError as error:  # no temporary file to be had, or git may not be started
        return f"git cannot be asked: {error}"


def _look_at(root: Path, end: float, *, patch: bool) -> tuple[Code, bytes]:
    status = _ask(root, end, "status", "--porcelain=v2", "--branch", "-z")
    entries = [os.fsdecode(entry) for entry in status.split(b"\0")]
    heads = dict(entry[2:].split(" ", 1) for entry in entries if entry.startswith("# "))
    commit = heads["branch.oid"]
    untracked = [entry[2:] for entry in entries if entry.startswith("? ")]
    dirty = any(entry[:2] in ("1 ", "2 ", "u ") for entry in entries)
    diff, missing = b"", None
    if dirty and commit == "(initial)":
        missing = "there is no commit to compare with"
    elif dirty and not patch:
        missing = "not asked for"
    elif dirty:
        diff, missing = _patch(root, end)
    code = Code(
        root=str(root),
        commit=None if commit == "(initial)" else commit,
        branch=None if heads["branch.head"] == "(detached)" else heads["branch.head"],
        dirty=dirty,
        remote=_remote(root, end),
        untracked=tuple(untracked[:NAMES_LIMIT]),
        untracked_count=len(untracked),
        patch_missing=missing,
    )
    return code, diff


def _patch(root: Path, end: float) -> tuple[bytes, str | None]:
    try:
        options = ("--binary", "--no-color", "--no-ext-diff", "--no-textconv")
        diff = _ask(root, end, "diff", "HEAD", *options, limit=PATCH_LIMIT)
    except _NoAnswerError as error:
        return b"", str(error)
    return diff, None


def _remote(root: Path, end: float) -> str | None:
    try:
        answer = _ask(root, end, "config", "--get", "remote.origin.url")
    except _NoAnswerError:  # most often there is none
        return None
    return without_credentials(os.fsdecode(answer.removesuffix(b"\n")))


def _ask(place: Path, end: float, *arguments: str, limit: int = ANSWER_LIMIT) -> bytes:
    """What git answers, at most `limit` bytes. Raises _NoAnswerError; kills git at time `end`."""
    # fsmonitor is a program of the repository's choice; a stranger's repository must not run it.
    command = ["git", "-C", str(place), "-c", "core.fsmonitor=false", *arguments]
    polite = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    with tempfile.TemporaryFile() as complaints:  # a pipe nobody reads would stop git when full
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and the words are ours
                command,
                env={**os.environ, **polite},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )
        except FileNotFoundError as error:
            raise _NoAnswerError("git is not installed") from error
        with process:
            alarm = threading.Timer(max(end - time.monotonic(), 0.0), process.kill)
            alarm.start()
            assert process.stdout is not None
            answer = process.stdout.read(limit + 1)
            if len(answer) > limit:
                process.kill()
        alarm.cancel()
        if len(answer) > limit:
            raise _NoAnswerError(f"git {arguments[0]} gave more than {limit} bytes")
        if time.monotonic() >= end:
            raise _NoAnswerError(f"git took longer than {DEADLINE:g} s")
        if process.returncode != 0:
            complaints.seek(0)
            reason = complaints.read(1000).decode(errors="replace").strip().partition("\n")[0]
            raise _NoAnswerError(reason or f"git {arguments[0]} failed")
    return answer
