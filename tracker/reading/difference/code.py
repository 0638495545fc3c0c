"""Was it the same code? Told from the commit and the saved patch, file by file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tracker.reading.difference.causes import Change, Section
from tracker.spec.differences import MISSING, differences
from tracker.store import git

_HEADER = "diff --git "
_BLOBS = re.compile(r"^index [0-9a-f]+\.\.([0-9a-f]{7,})", re.MULTILINE)  # may be shortened
_TOLD = ("commit", "branch", "remote", "root", "untracked")
_PATCHED, _OTHERWISE = "uncommitted", "uncommitted, otherwise"


@dataclass(frozen=True)
class Code:
    """What a run says of its code: provenance.json's word, and code.patch.

    `patch` is None where there should be one that can't be read.
    """

    facts: Mapping[str, Any] | None
    missing: str | None
    patch: bytes | None


@dataclass(frozen=True)
class PatchedFile:
    """A file whose uncommitted changes are not the same: the patch of either run, or None."""

    path: str
    before: str | None
    after: str | None

    def lines(self) -> Iterator[str]:
        """Yield the patch that only one run has, or how that of the one becomes the other's."""
        if self.before is None or self.after is None:
            yield f"only in {'A' if self.after is None else 'B'}:"
            yield from (self.before or self.after or "").rstrip("\n").split("\n")
        else:
            before, after = self.before.split("\n"), self.after.split("\n")
            names = (f"A: {self.path}", f"B: {self.path}")
            yield from difflib.unified_diff(before, after, *names, lineterm="")


@dataclass(frozen=True)
class CodeDiff:
    """How the code differs.

    `changed` are the files that are not the same, changes not committed included; None where the
    commits' own can't be told. `patched` are those among them that a patch has a part in. `commits`
    are given where they differ, and `between` is then what git says lies between them, or None and
    `between_missing` says why.
    """

    section: Section
    changed: tuple[str, ...] | None = ()
    patched: tuple[PatchedFile, ...] = ()
    commits: tuple[str, str] | None = None
    between: tuple[git.Changed, ...] | None = None
    between_missing: str | None = None

    def to_document(self) -> dict[str, Any]:
        """As JSON values; the texts of the patches are left out."""
        return {
            **self.section.to_document(),
            "changed": self.changed,
            "patched": [one.path for one in self.patched],
            "commits": self.commits,
            "between": None if self.between is None else [asdict(one) for one in self.between],
            "between_missing": self.between_missing,
        }


def compare_code(before: Code, after: Code, repository: Path | None) -> CodeDiff:
    """Compare the code of two runs; git in `repository` is asked what lies between their commits.

    Commits that differ are a cause, unless git shows that, with what was not committed, both runs
    had the same files.
    """
    if before.facts is None or after.facts is None:
        return CodeDiff(Section("code", unknown=_why_unknown(before, after)))
    facts = [{key: code.facts.get(key) for key in _TOLD} for code in (before, after) if code.facts]
    commits, between, missing = _between(facts[0]["commit"], facts[1]["commit"], repository)
    patches = [
        _by_file((code.patch or b"").decode(errors="surrogateescape")) for code in (before, after)
    ]
    changed = _unlike(patches[0], patches[1], None if missing else between)
    patched = tuple(
        PatchedFile(path, patches[0].get(path), patches[1].get(path))
        for path in changed
        if path in patches[0] or path in patches[1]
    )
    is_other = bool(changed) or missing is not None
    changes = [
        Change(one.path, one.before, one.after, one.path == "commit" and is_other)
        for one in differences(facts[0], facts[1])
    ]
    changes += [Change(one.path, *_words(one), matters=True) for one in patched]
    section = Section("code", tuple(changes), _why_partly_unknown(before, after))
    if missing is not None:
        return CodeDiff(section, None, patched, commits, between_missing=missing)
    return CodeDiff(section, changed, patched, commits, between if commits else None)


def _between(
    before: Any, after: Any, repository: Path | None
) -> tuple[tuple[str, str] | None, tuple[git.Changed, ...], str | None]:
    """Return the commits if they differ, what lies between them, and why that is not known."""
    if before == after:
        return None, (), None
    if not (isinstance(before, str) and isinstance(after, str)):
        return None, (), "there is no commit to compare with"
    found = git.between(repository, before, after) if repository else "git was not asked"
    if isinstance(found, str):
        return (before, after), (), found
    return (before, after), found, None


def _why_unknown(before: Code, after: Code) -> str:
    sides = {"A": before, "B": after}
    reasons = (f"of {name}: {c.missing}" for name, c in sides.items() if c.facts is None)
    return "; ".join(reasons)


def _why_partly_unknown(before: Code, after: Code) -> str | None:
    reasons = []
    for name, code in {"A": before, "B": after}.items():
        reason = (code.facts or {}).get("patch_missing")
        if code.patch is None or reason is not None:
            why = f" ({reason})" if reason is not None else ""
            reasons.append(f"the uncommitted changes of {name}{why}")
    return ", ".join(reasons) or None


def _unlike(
    before: Mapping[str, str], after: Mapping[str, str], between: Sequence[git.Changed] | None
) -> tuple[str, ...]:
    """Return the files that came to be unlike, from the patches and what lies beneath them."""
    beneath = {one.path: (one.before, one.after) for one in between or ()}
    unlike = []
    for path in sorted({*before, *after, *beneath}):
        parts = (before.get(path), after.get(path))
        is_same = path not in beneath and _content(parts[0]) == _content(parts[1])
        if not is_same and (between is None or not _end_alike(parts, beneath.get(path))):
            unlike.append(path)
    return tuple(unlike)


def _end_alike(parts: tuple[str | None, str | None], beneath: tuple[str, str] | None) -> bool:
    """Whether a file came out the same: committed in the one run, say, and not yet in the other."""
    blobs = beneath or (None, None)
    one, other = (
        blob if part is None else _blob(part) for part, blob in zip(parts, blobs, strict=True)
    )
    if one is None or other is None:
        return False
    return one.startswith(other) or other.startswith(one)


def _blob(part: str) -> str | None:
    """Return git's name, perhaps shortened, for what a file holds once patched."""
    match = _BLOBS.search(part)
    return match[1] if match else None


def _by_file(patch: str) -> dict[str, str]:
    """Return the part of a patch for each file, by path: no line of one can begin as a header."""
    preface, *parts = f"\n{patch}".split(f"\n{_HEADER}")
    files = {"code.patch": preface} if preface.strip() else {}
    for part in parts:
        header, _, _ = part.partition("\n")
        files[_path(header)] = f"{_HEADER}{part}"
    return files


def _path(header: str) -> str:
    """Return the path in "a/PATH b/PATH"; of a renamed file, the header as it is."""
    middle = len(header) // 2
    sides = [side.strip('"') for side in (header[:middle], header[middle + 1 :])]
    if sides[0] == sides[1]:  # diff.noprefix
        return sides[0]
    (_, _, one), (_, _, other) = (side.partition("/") for side in sides)
    return one if one == other else header


def _content(part: str | None) -> list[str] | None:
    """Return the lines that say what changes: the blobs' names vary with the commit beneath."""
    if part is None:
        return None
    return [line for line in part.rstrip("\n").split("\n") if not line.startswith("index ")]


def _words(one: PatchedFile) -> tuple[Any, Any]:
    if one.before is None:
        return MISSING, _PATCHED
    return _PATCHED, MISSING if one.after is None else _OTHERWISE
