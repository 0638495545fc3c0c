"""Work shared out among processes: in order, and with a clear end however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tracker.data.workers import in_order

# From 3.12 on Python says that a fork of a process with threads may hang; what we run in the
# child takes no lock that a thread could hold.
pytestmark = pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")


def square(number: int) -> int:
    return number * number


def pid(_: int) -> int:
    return os.getpid()


def fail(number: int) -> bytes:
    if number == 3:
        raise ValueError("a bug")
    return b"x" * number


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_results_come_in_order(processes: int) -> None:
    assert list(in_order(square, range(23), processes)) == [k * k for k in range(23)]


def test_results_may_be_larger_than_a_pipe() -> None:
    results = in_order(bytes, [5_000_000] * 6, 3)
    assert [len(result) for result in results] == [5_000_000] * 6


def test_each_item_has_its_process_and_all_of_them_end() -> None:
    pids = list(in_order(pid, range(6), 3))
    assert pids[:3] == pids[3:]
    assert len({*pids, os.getpid()}) == 4
    assert not any(map(alive, pids))


def test_a_killed_process_is_one_clear_line() -> None:
    results = in_order(pid, range(100_000), 2)
    os.kill(next(results), signal.SIGKILL)
    with pytest.raises(RuntimeError) as raised:
        list(results)
    assert str(raised.value) == (
        "a process that decodes pictures died (SIGKILL); if memory ran out, fewer data.workers "
        "need less"
    )


def test_a_failed_process_is_one_clear_line(capfd: pytest.CaptureFixture[str]) -> None:
    results = in_order(fail, range(10), 2)
    with pytest.raises(RuntimeError, match=r"died \(exit code 1\)"):
        list(results)
    assert "ValueError: a bug" in capfd.readouterr().err


def test_signals_do_not_reach_the_processes() -> None:
    results = in_order(pid, range(20_000), 2)
    pids = [next(results), next(results)]
    for one in pids:
        os.kill(one, signal.SIGINT)
        os.kill(one, signal.SIGTERM)
        os.kill(one, signal.SIGHUP)
    assert list(results) == pids * 9_999
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


def test_processes_end_with_an_iterator_left_half_way() -> None:
    results = in_order(pid, range(1_000_000), 2)
    pids = [next(results), next(results)]
    assert all(map(alive, pids))
    del results
    assert not any(map(alive, pids))


ABANDON = """
import os, signal, sys
from tracker.data.workers import in_order

def pid(_):
    return os.getpid()

results = in_order(pid, range(10**9), 3)
print(next(results), next(results), next(results), flush=True)
{end}
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [("os.kill(os.getpid(), signal.SIGKILL)", -9), ("os._exit(3)", 3), ("sys.exit(4)", 4)],
)
def test_processes_end_with_their_parent(end: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ABANDON.format(end=end)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (code, "")
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 3
    deadline = time.monotonic() + 30
    while any(map(alive, pids)) and time.monotonic() < deadline:
        os.sched_yield()
    assert not any(map(alive, pids))


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and waits to be taken note of does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
