import subprocess
from pathlib import Path

import pytest

from tracker.store import git


def run(place: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    done = subprocess.run([*command, *words], cwd=place, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit with a text and a binary file, on the branch `main`."""
    path = tmp_path / "repo"
    path.mkdir()
    run(path, "init", "-b", "main")
    (path / "text").write_text("one\n")
    (path / "binary").write_bytes(bytes(range(256)))
    run(path, "add", ".")
    run(path, "commit", "-m", "first")
    return path


def test_a_clean_tree_needs_no_patch(repository: Path) -> None:
    inside = repository / "deep"
    inside.mkdir()
    code, patch, missing = git.look([inside])
    assert code is not None
    assert (code.root, code.branch, code.dirty) == (str(repository), "main", False)
    assert code.commit == run(repository, "rev-parse", "HEAD")
    assert (patch, missing, code.remote, code.patch_missing) == (b"", None, None, None)


def test_the_patch_makes_the_commit_what_the_tree_was(repository: Path, tmp_path: Path) -> None:
    (repository / "text").write_text("two\n")
    (repository / "binary").write_bytes(bytes(range(255, -1, -1)))
    (repository / "staged").write_text("new\n")
    run(repository, "add", "staged")
    (repository / "ünträcked\n").touch()
    code, patch, _ = git.look([repository])
    assert code is not None
    assert code.dirty
    assert code.untracked == ("ünträcked\n",)
    clone = tmp_path / "clone"
    run(tmp_path, "clone", str(repository), str(clone))
    subprocess.run(["git", "apply"], cwd=clone, input=patch, check=True)
    for name in ("text", "binary", "staged"):
        assert (clone / name).read_bytes() == (repository / name).read_bytes()


def test_a_patch_is_left_out_with_a_reason(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "text").write_text("two\n" * 1000)
    code, patch, _ = git.look([repository], patch=False)
    assert code is not None
    assert (patch, code.patch_missing) == (b"", "not asked for")
    monkeypatch.setattr(git, "PATCH_LIMIT", 1000)
    code, patch, _ = git.look([repository])
    assert code is not None
    assert (code.dirty, patch) == (True, b"")
    assert code.patch_missing == "git diff gave more than 1000 bytes"


def test_only_some_untracked_names_are_kept(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "NAMES_LIMIT", 2)
    for name in "abc":
        (repository / name).touch()
    code, _, _ = git.look([repository])
    assert code is not None
    assert (code.untracked, code.untracked_count, code.dirty) == (("a", "b"), 3, False)


def test_before_the_first_commit_and_off_every_branch(repository: Path, tmp_path: Path) -> None:
    run(repository, "checkout", "--detach")
    code, _, _ = git.look([repository])
    assert code is not None
    assert code.branch is None
    empty = tmp_path / "empty"
    empty.mkdir()
    run(empty, "init", "-b", "main")
    (empty / "x").touch()
    run(empty, "add", "x")
    code, patch, _ = git.look([empty])
    assert code is not None
    assert (code.commit, code.branch, code.dirty, patch) == (None, "main", True, b"")
    assert code.patch_missing == "there is no commit to compare with"


def test_the_first_place_in_a_repository_counts(repository: Path, tmp_path: Path) -> None:
    code, _, missing = git.look([tmp_path, repository])
    assert code is not None
    assert (code.root, missing) == (str(repository), None)


def test_without_a_repository_there_is_a_reason(tmp_path: Path) -> None:
    code, patch, missing = git.look([tmp_path, tmp_path / "gone"])
    assert (code, patch) == (None, b"")
    assert missing is not None
    assert "not a git repository" in missing
    assert "cannot change to" in missing


def test_without_git_there_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git.look([tmp_path]) == (None, b"", "git is not installed")


def test_without_room_for_a_temporary_file_there_is_a_reason(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    code, _, missing = git.look([repository])
    assert code is None
    assert missing is not None
    assert "git cannot be asked" in missing


def test_a_git_that_hangs_is_given_up(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:/bin:/usr/bin")
    monkeypatch.setattr(git, "DEADLINE", 0.2)
    assert git.look([repository]) == (None, b"", "git took longer than 0.2 s")


def test_a_repository_cannot_make_us_run_its_programs(repository: Path) -> None:
    for key in ("core.fsmonitor", "diff.external"):
        run(repository, "config", key, f"touch {repository}/ran; false")
    (repository / "text").write_text("two\n")
    _, patch, _ = git.look([repository])
    assert b"+two" in patch
    assert not (repository / "ran").exists()


def test_a_remote_is_kept_without_its_credentials(repository: Path) -> None:
    run(repository, "remote", "add", "origin", "https://me:secret@host.org/a/b.git?token=1")
    code, _, _ = git.look([repository])
    assert code is not None
    assert code.remote == "https://host.org/a/b.git"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("git@host.org:a/b.git", "git@host.org:a/b.git"),
        ("ssh://git@host.org/a", "ssh://host.org/a"),
        ("--data=https://u:p@x.org/d?key=1#f", "--data=https://x.org/d"),
        ("model.backbone=resnet50", "model.backbone=resnet50"),
        ("what?", "what?"),
    ],
)
def test_credentials_are_only_those_of_urls(text: str, bare: str) -> None:
    assert git.without_credentials(text) == bare


def test_what_lies_between_two_commits_is_told_file_by_file(repository: Path) -> None:
    first = run(repository, "rev-parse", "HEAD")
    before = run(repository, "rev-parse", "HEAD:text")
    (repository / "text").write_text("one\ntwo\n")
    (repository / "binary").unlink()
    (repository / ":odd\tname\n").write_bytes(b"\0")
    run(repository, "add", "-A")
    run(repository, "commit", "-m", "second")
    second = run(repository, "rev-parse", "HEAD")
    found = git.between(repository, first, second)
    assert not isinstance(found, str)
    odd, binary, text = found
    assert (odd.path, odd.before, odd.added) == (":odd\tname\n", "0" * 40, None)
    assert (binary.path, binary.after, binary.removed) == ("binary", "0" * 40, None)
    after = run(repository, "rev-parse", "HEAD:text")
    assert text == git.Changed("text", before, after, added=1, removed=0)
    assert git.between(repository, first, first) == ()


def test_between_commits_that_are_not_there_lies_a_reason(repository: Path, tmp_path: Path) -> None:
    head = run(repository, "rev-parse", "HEAD")
    assert "bad object" in str(git.between(repository, head, "1" * 40))
    assert git.between(repository, head, "--output=x") == "no commit has such a name"
    assert "not a git repository" in str(git.between(tmp_path, head, head))
