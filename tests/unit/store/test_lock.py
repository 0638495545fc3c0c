import errno
import fcntl
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.errors import Busy, Damaged, Unavailable
from tracker.store.lock import RESERVE, Lock, is_held

Spawn = Callable[[str], "subprocess.Popen[str]"]
HOLD = "lock = Lock(root); say('held'); sys.stdin.readline()"


@pytest.fixture
def path(root: Path) -> Path:
    """Where the other process locks too: it is told one path only."""
    return root


def started(process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_is_held_until_released(path: Path) -> None:
    assert not is_held(path)
    lock = Lock(path)
    assert is_held(path)
    lock.release()
    assert not is_held(path)
    lock.release()


def test_a_link_or_a_pipe_is_no_lock(path: Path) -> None:
    lock = Lock(path)
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(Damaged, match=f"link is a link to {path}"):
        Lock(link)
    assert not is_held(link)
    assert is_held(path)  # trying did not lose it
    lock.release()
    link.unlink()
    os.mkfifo(link)
    with pytest.raises(Damaged, match="link is no regular file"):
        Lock(link)
    assert not is_held(link)


def test_one_process_cannot_take_a_lock_twice_nor_lose_it_by_trying(
    path: Path, spawn: Spawn
) -> None:
    lock = Lock(path)
    with pytest.raises(Busy, match=f"is being written by process {os.getpid()}"):
        Lock(path)
    assert is_held(path)
    other = spawn("say(is_held(root))")
    assert other.communicate()[0] == "True\n"
    lock.release()


def test_another_process_is_kept_out_and_named(path: Path, spawn: Spawn) -> None:
    other = started(spawn(HOLD))
    with pytest.raises(Busy, match=f"is being written by process {other.pid}"):
        Lock(path)
    assert is_held(path)


def test_asking_takes_nothing(path: Path, spawn: Spawn) -> None:
    path.touch()
    assert not is_held(path)
    other = spawn("lock = Lock(root); say('held'); sys.stdin.readline()")
    started(other)
    for _ in range(100):
        assert is_held(path)
    assert other.communicate("\n")[0] == ""
    assert other.returncode == 0
    assert not is_held(path)


def test_a_killed_holder_holds_nothing_even_while_its_children_live(
    path: Path, spawn: Spawn
) -> None:
    other = spawn("lock = Lock(root)\nchild = os.fork()\nif child:\n    say(child)\nsignal.pause()")
    assert other.stdout is not None
    child = int(other.stdout.readline())
    try:
        assert is_held(path)
        other.kill()
        other.wait()
        assert not is_held(path)
        Lock(path).release()
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_lock_lost_to_a_stray_close_is_mended(path: Path, spawn: Spawn) -> None:
    lock = Lock(path)
    path.read_bytes()  # any open and close of the file in this process drops it
    assert spawn("say(is_held(root))").communicate()[0] == "False\n"
    lock.confirm()
    assert spawn("say(is_held(root))").communicate()[0] == "True\n"
    path.read_bytes()
    started(spawn(HOLD))
    with pytest.raises(Busy):
        lock.confirm()
    lock.release()


def test_the_file_holds_a_reserve_until_it_is_freed(path: Path) -> None:
    lock = Lock(path)
    assert path.stat().st_size == RESERVE
    lock.free_reserve()
    assert path.stat().st_size == 0
    assert is_held(path)
    lock.release()


def test_where_the_file_cannot_be_it_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot lock"):
        Lock(tmp_path / "nowhere/.lock")
    assert not is_held(tmp_path / "nowhere/.lock")


def test_a_file_system_without_locks_is_said_to_have_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    lock = Lock(path)
    assert not lock.kernel
    lock.confirm()
    lock.release()


def test_without_a_reserve_nothing_is_written(path: Path) -> None:
    Lock(path, reserve=False).release()
    assert path.stat().st_size == 0
    path.write_text("as it was")
    lock = Lock(path, reserve=False)
    assert is_held(path)
    lock.release()
    assert path.read_text() == "as it was"
