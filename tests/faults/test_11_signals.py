"""Rows 11, 12 and 13: asked to stop, at any moment and in any way, a run saves, says so, and ends.

Each test starts the real command line, halts it where the signal is to find it, and afterwards
finishes the run in this process.
"""

import fcntl
import os
import re
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import started, the_run, tracker, unlike, write_spec
from tests.faults.fingerprint import Fingerprint, fingerprint
from tracker.store import index

pytestmark = [
    pytest.mark.slow,
    # From 3.12 on Python says that a fork of a process with threads may hang; what we run in the
    # child takes no lock that a thread could hold.
    pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning"),
]

PATIENCE = 120.0  # seconds, for what has no limit of its own
LATENCY = 5.0  # seconds from the signal to the end
ATTEMPTS = 3  # at that: a busy machine may be late for reasons of its own

Send = Callable[[int], None]  # is handed the pid, which is the group's too


def to_main(*signals: signal.Signals) -> Send:
    def send(pid: int) -> None:
        for one in signals:
            os.kill(pid, one)

    return send


def to_group(*signals: signal.Signals) -> Send:
    def send(group: int) -> None:
        for one in signals:
            os.killpg(group, one)

    return send


@dataclass(frozen=True)
class Ended:
    root: Path
    code: int
    said: str
    seconds: float
    orphans: list[int]


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory, streamed: dict[str, Any]) -> Fingerprint:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert tracker(folder / "runs", "run", write_spec(folder, streamed)) == 0
    return fingerprint(the_run(folder / "runs"))


def stop_at(folder: Path, place: str, spec: Path, send: Send) -> Ended:
    """Start the run, send what is to be sent once it is at `place`, and wait for its end."""
    folder.mkdir()
    root = folder / "runs"
    process = started(
        *("tests.faults.staged", place, folder, "--runs", root, "run", spec),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for((folder / "here").exists, process)
        send(process.pid)
        began = time.monotonic()
        (folder / "go").touch()
        said = process.communicate(timeout=PATIENCE)[0].decode()
        seconds = time.monotonic() - began
        return Ended(root, process.returncode, said, seconds, members(process.pid))
    finally:
        end(process)


def quickly(attempt: Callable[[Path], Ended], folder: Path) -> Ended:
    """What comes of `attempt`, in the first folder where it did not take too long."""
    for number in range(ATTEMPTS):
        ended = attempt(folder / f"attempt-{number}")
        if ended.seconds < LATENCY:
            return ended
    raise AssertionError(f"took {ended.seconds:.1f} s to stop")


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def end(process: "subprocess.Popen[bytes]") -> None:
    for pid in members(process.pid):
        os.kill(pid, signal.SIGKILL)
    process.kill()
    process.communicate()


def members(group: int) -> list[int]:
    """The processes of a group that still run."""
    return [
        int(pid)
        for pid, state, its_group in processes()
        if its_group == str(group) and state != "Z"
    ]


def processes() -> Iterator[tuple[str, str, str]]:
    """Pid, state and process group of each. Source: proc_pid_stat(5)."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield entry.name, fields[0], fields[2]


@pytest.mark.parametrize(
    ("place", "send", "code"),
    [
        ("step", to_main(signal.SIGTERM), 143),
        ("step", to_group(signal.SIGTERM), 143),
        ("step", to_group(signal.SIGINT), 130),
        ("step", to_group(signal.SIGINT, signal.SIGINT), 130),
        ("step", to_group(signal.SIGHUP), 129),
        ("evaluation", to_group(signal.SIGTERM), 143),
        ("checkpoint", to_group(signal.SIGTERM), 143),
        ("first step", to_group(signal.SIGTERM), 143),
    ],
    ids=[
        "SIGTERM",
        "SIGTERM to the group",
        "Ctrl-C",
        "Ctrl-C twice",
        "terminal closed",
        "in evaluation",
        "in a save",
        "before the first step",
    ],
)
def test_a_signal_stops_a_run_that_can_go_on(
    tmp_path: Path, streamed: dict[str, Any], right: Fingerprint, place: str, send: Send, code: int
) -> None:
    spec = write_spec(tmp_path, streamed)
    ended = quickly(lambda folder: stop_at(folder, place, spec, send), tmp_path)
    assert (ended.code, ended.orphans) == (code, []), ended.said
    assert "Traceback" not in ended.said
    record = index.record(the_run(ended.root))
    assert (record.state, record.cause) == ("stopped", signal.strsignal(code - 128))
    assert tracker(ended.root, "run", spec, "--resume") == 0
    assert unlike(right, the_run(ended.root)) == {}


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_a_signal_is_answered_once_before_the_step_ends(
    tmp_path: Path, spec: Path, number: signal.Signals, name: str
) -> None:
    process = started(
        *("tests.faults.staged", "step", tmp_path, "--runs", tmp_path / "runs", "run", spec),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        wait_for((tmp_path / "here").exists, process)
        os.kill(process.pid, number)
        while not (line := process.stderr.readline().decode()).startswith(name):
            assert line
        (tmp_path / "go").touch()  # only now can the step end
        assert line == (
            f"{name}: saving and stopping after this step; a second {name} stops at once\n"
        )
        assert len(line) <= 80  # so on a terminal it is one line, too
        rest = process.communicate(timeout=PATIENCE)[1].decode()
    finally:
        end(process)
    assert process.returncode == 128 + number
    assert name not in rest
    assert rest == "stopped at step 3 of 8; the state is saved\n"


def test_on_a_terminal_the_answer_breaks_no_line(
    tmp_path: Path, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = os.openpty()
    process = started(
        *("tests.faults.staged", "step", tmp_path, "--runs", tmp_path / "runs", "run", spec),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    try:
        os.close(theirs)
        wait_for((tmp_path / "here").exists, process)
        os.write(ours, b"\x03")  # what the keys Ctrl and C send
        shown = shown_until(ours, "Ctrl-C stops at once")
        (tmp_path / "go").touch()
        shown += shown_until(ours, "the state is saved")
        assert process.wait(PATIENCE) == 130
    finally:
        end(process)
        os.close(ours)
    answers = [line for line in re.split(r"[\r\n]+", ESCAPES.sub("", shown)) if "Ctrl-C" in line]
    assert answers == ["Ctrl-C: saving and stopping after this step; a second Ctrl-C stops at once"]


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def shown_until(terminal: int, words: str) -> str:
    """What a terminal is sent, up to these words."""
    shown = ""
    while words not in shown:
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_data_is_prepared_nothing_is_left_behind(
    tmp_path: Path, spec: Path, number: signal.Signals
) -> None:
    ended = quickly(lambda folder: stop_at(folder, "data", spec, to_group(number)), tmp_path)
    assert (ended.code, ended.orphans) == (128 + number, []), ended.said
    assert "Traceback" not in ended.said
    assert not ended.root.exists()


def test_a_reader_who_has_seen_enough_does_not_end_the_run(tmp_path: Path, spec: Path) -> None:
    command = ("tracker.cli.main", "--runs", tmp_path / "runs", "run", spec)
    process = started(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    assert b"small_cnn" in process.stdout.readline()
    process.stdout.close()  # as `2>&1 | head -1` does
    assert process.wait(PATIENCE) == 0
    assert the_run(tmp_path / "runs").state() == "finished"


def test_a_terminal_that_goes_away_stops_the_run(
    tmp_path: Path, streamed: dict[str, Any], right: Fingerprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    spec = write_spec(tmp_path, streamed)
    ours, theirs = os.openpty()
    process = started(
        *("tests.faults.staged", "step", tmp_path, "--runs", tmp_path / "runs", "run", spec),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    try:
        os.close(theirs)
        wait_for((tmp_path / "here").exists, process)
        os.close(ours)
        (tmp_path / "go").touch()
        assert process.wait(PATIENCE) == 128 + signal.SIGHUP
        assert members(process.pid) == []
    finally:
        end(process)
    assert the_run(tmp_path / "runs").state() == "stopped"
    assert tracker(tmp_path / "runs", "run", spec, "--resume") == 0
    assert unlike(right, the_run(tmp_path / "runs")) == {}
