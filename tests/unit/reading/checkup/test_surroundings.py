"""A place where runs cannot live is told before one is begun there."""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tracker.reading.checkup import surroundings
from tracker.reading.checkup.finding import Finding

Facts = Callable[..., None]


def look(root: Path) -> dict[str, Finding]:
    return {finding.subject: finding for finding in surroundings.check(root)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    root.mkdir()
    return root


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> Facts:
    """Say what the disk has: free bytes, and files that can still be made, of so many."""

    def say(free: float, files: int = 10**6, of: int = 10**7, blocks: int = 10**12) -> None:
        disk = SimpleNamespace(
            f_bavail=int(free), f_frsize=1, f_blocks=blocks, f_files=of, f_favail=files
        )
        monkeypatch.setattr(os, "statvfs", lambda _: disk)

    return say


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def say(lines: str) -> None:
        path = tmp_path / "mounts"
        path.write_text(lines)
        monkeypatch.setattr(surroundings, "MOUNTS", path)

    return say


def test_a_good_place_has_no_problem_and_is_left_as_it_was(root: Path, facts: Facts) -> None:
    facts(10**11)
    found = look(root)
    assert {"disk", "files", "folder", "locks", "clock"} <= found.keys()
    assert {finding.level for finding in found.values()} <= {"ok", "warning"}
    assert found["disk"].words == f"100.0 of 1,000.0 GB free at {root}"
    assert list(root.iterdir()) == []


def test_a_place_not_made_yet_is_not_made(tmp_path: Path) -> None:
    found = look(tmp_path / "a" / "b")
    assert found["folder"].level == "ok"
    assert "the first run makes it" in found["folder"].words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("free", "level", "code"), [(10**8, "problem", 6), (10**9, "warning", 0), (10**10, "ok", 0)]
)
def test_a_full_disk(root: Path, facts: Facts, free: int, level: str, code: int) -> None:
    facts(free)
    finding = look(root)["disk"]
    assert (finding.level, finding.exit_code) == (level, code)


def test_a_small_disk_is_measured_in_megabytes(root: Path, facts: Facts) -> None:
    facts(150_000, blocks=2_000_000)
    assert look(root)["disk"].words == f"0.1 of 2.0 MB free at {root}"


def test_a_disk_out_of_inodes(root: Path, facts: Facts) -> None:
    facts(10**11, files=10)
    assert look(root)["files"].level == "problem"
    facts(10**11, files=0, of=0)
    assert look(root)["files"].level == "ok"


def test_a_folder_that_cannot_be_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", refuse)
    finding = look(root)["folder"]
    assert (finding.level, finding.exit_code) == ("problem", 6)
    assert "read-only" in finding.words


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    finding = look(tmp_path / "runs")["folder"]
    assert (finding.level, "is no folder" in finding.words) == ("problem", True)


def test_a_parent_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert look(tmp_path / "runs")["folder"].level == "problem"


def test_a_file_system_without_locks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    finding = look(root)["locks"]
    assert (finding.level, finding.exit_code) == ("warning", 0)


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("server:/x {} nfs4 rw,relatime 0 0", "ok"),
        ("server:/x {} nfs rw,nolock 0 0", "warning"),
        ("none {} tmpfs rw 0 0", "warning"),
        ("/dev/sda1 {} ext4 rw 0 0", "ok"),
    ],
)
def test_the_file_system_is_told(
    tmp_path: Path, mounts: Callable[[str], None], line: str, level: str
) -> None:
    (tmp_path / "a disk").mkdir()
    place = str(tmp_path / "a disk").replace(" ", "\\040")
    mounts(f"/dev/vda / xfs rw 0 0\n{line.format(place)}\n/dev/vdb /elsewhere nfs nolock 0 0\n")
    finding = look(tmp_path / "a disk" / "runs")["file system"]
    assert (finding.level, finding.words.split()[0].rstrip(":")) == (level, line.split()[2])


def test_where_nobody_tells_of_file_systems(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "MOUNTS", root / "none")
    assert "file system" not in look(root)


def test_clocks_that_differ(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 60)
    finding = look(root)["clock"]
    assert finding.level == "warning"
    assert "+60 s off" in finding.words
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert look(root)["clock"].words == "1970-01-01 00:16:40 UTC"
    assert look(root)["clock"].level == "problem"
