"""Whether two runs had the same code: from their commits, their patches, and git where it knows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tracker.reading.difference.code import Code, compare_code
from tracker.store import git


def run(place: Path, *words: str) -> None:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    subprocess.run([*command, *words], cwd=place, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    path.mkdir()
    run(path, "init", "-b", "main")
    for name in ("x.py", "y.py"):
        (path / name).write_text("1\n2\n3\n")
    run(path, "add", ".")
    run(path, "commit", "-m", "first")
    return path


def now(repository: Path) -> Code:
    """Look at the code as a run that begins now would."""
    code, patch, _ = git.look([repository])
    assert code is not None
    return Code(vars(code), None, patch)


def test_the_same_commit_and_patch_are_the_same_code(repository: Path) -> None:
    (repository / "x.py").write_text("1\n")
    found = compare_code(now(repository), now(repository), repository)
    assert found.section.is_same
    assert (found.changed, found.patched, found.commits) == ((), (), None)


def test_files_not_committed_are_compared_one_by_one(repository: Path) -> None:
    (repository / "x.py").write_text("1\n")
    before = now(repository)
    (repository / "x.py").write_text("9\n")
    (repository / "y.py").write_text("2\n")
    found = compare_code(before, now(repository), repository)
    assert found.changed == ("x.py", "y.py")
    otherwise, added = found.patched
    assert added.before is None
    assert list(added.lines())[:2] == ["only in B:", "diff --git a/y.py b/y.py"]
    lines = list(otherwise.lines())
    assert lines[:2] == ["--- A: x.py", "+++ B: x.py"]
    assert "++9" in lines
    assert not found.section.is_same


def test_what_was_committed_since_is_no_difference(repository: Path) -> None:
    (repository / "x.py").write_text("1\n")
    before = now(repository)
    run(repository, "commit", "-am", "second")
    found = compare_code(before, now(repository), repository)
    assert found.changed == ()
    assert found.section.is_same
    assert [change.path for change in found.section.changes] == ["commit"]
    (repository / "y.py").write_text("9\n")
    found = compare_code(before, now(repository), repository)
    assert found.changed == ("y.py",)
    assert [change.path for change in found.section.causes] == ["commit", "y.py"]


def test_git_tells_what_lies_between_commits(repository: Path) -> None:
    before = now(repository)
    (repository / "y.py").write_text("1\n2\n3\n4\n")
    run(repository, "commit", "-am", "second")
    found = compare_code(before, now(repository), repository)
    assert found.changed == ("y.py",)
    assert found.between is not None
    assert [(one.path, one.added, one.removed) for one in found.between] == [("y.py", 1, 0)]


def test_without_the_commits_it_says_so(repository: Path, tmp_path: Path) -> None:
    before = now(repository)
    (repository / "y.py").write_text("1\n")
    run(repository, "commit", "-am", "second")
    found = compare_code(before, now(repository), tmp_path)
    assert (found.changed, found.between) == (None, None)
    assert "not a git repository" in str(found.between_missing)
    assert [change.path for change in found.section.causes] == ["commit"]
    assert compare_code(before, now(repository), None).between_missing == "git was not asked"


def test_code_that_nobody_recorded_is_not_called_the_same(repository: Path) -> None:
    known, unknown = now(repository), Code(None, "git is not installed", b"")
    found = compare_code(known, unknown, repository)
    assert found.section.unknown == "of B: git is not installed"
    assert not found.section.is_same


def test_a_patch_that_was_not_kept_is_not_called_the_same(repository: Path) -> None:
    clean = now(repository)
    (repository / "x.py").write_text("2\n")
    code, _, _ = git.look([repository], patch=False)
    found = compare_code(clean, Code(vars(code), None, b""), repository)
    assert found.section.unknown == "the uncommitted changes of B (not asked for)"
    lost = compare_code(Code(clean.facts, None, None), clean, repository)
    assert lost.section.unknown == "the uncommitted changes of A"


@pytest.mark.parametrize(
    "header",
    ["a/x y.py b/x y.py", '"a/x y.py" "b/x y.py"', "i/x y.py w/x y.py", "x y.py x y.py"],
)
def test_a_path_is_found_in_every_kind_of_header(header: str) -> None:
    facts = {"commit": "c"}
    patch = f"diff --git {header}\nindex 1..2\n+x\n".encode()
    found = compare_code(Code(facts, None, b""), Code(facts, None, patch), None)
    assert found.changed == ("x y.py",)


def test_a_renamed_file_stands_under_both_names() -> None:
    facts = {"commit": "c"}
    patch = b"diff --git a/old.py b/newer.py\nrename from old.py\nrename to newer.py\n"
    found = compare_code(Code(facts, None, patch), Code(facts, None, b""), None)
    assert found.changed == ("a/old.py b/newer.py",)


def test_a_patch_that_git_did_not_write_is_compared_whole() -> None:
    facts = {"commit": "c"}
    found = compare_code(Code(facts, None, b"\xff\n"), Code(facts, None, b"\xfe\n"), None)
    assert found.changed == ("code.patch",)
