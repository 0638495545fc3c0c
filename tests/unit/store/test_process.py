import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tracker.store import process


def test_this_process_is_alive() -> None:
    me = process.this_process()
    assert (me.pid, me.host) == (os.getpid(), socket.gethostname())
    assert process.is_alive(me)


def test_a_pid_used_again_is_another_process() -> None:
    assert not process.is_alive(replace(process.this_process(), start="1"))


def test_nothing_outlives_a_reboot(monkeypatch: pytest.MonkeyPatch) -> None:
    me = process.this_process()
    monkeypatch.setattr(process, "boot_id", lambda: "another boot")
    assert not process.is_alive(me)


def test_a_process_that_ended_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    its = replace(process.this_process(), pid=child.pid, start=process.start_of(child.pid) or "")
    assert process.is_alive(its)
    child.communicate()
    assert not process.is_alive(its)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only /proc tells a zombie")
def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    its = replace(process.this_process(), pid=child.pid, start=process.start_of(child.pid) or "")
    assert process.is_alive(its)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and left as it is
    os.kill(child.pid, 0)
    assert not process.is_alive(its)
    assert process.start_of(child.pid) is None
    child.communicate()


def test_nobody_here_can_say_that_a_process_of_another_host_ended() -> None:
    assert process.is_alive(replace(process.this_process(), host="elsewhere", start="1"))


def test_a_program_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text("7 (a) b ( c) S " + " ".join(map(str, range(4, 30))))
    monkeypatch.setattr(process, "PROC", tmp_path)
    assert process.start_of(7) == "22"
    assert process.boot_id() == ""


def test_without_proc_existing_is_all_that_can_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path / "none")
    assert process.start_of(os.getpid()) == ""
    assert process.is_alive(process.this_process())
    assert process.start_of(2**22 + 1) is None  # above the largest pid Linux gives
