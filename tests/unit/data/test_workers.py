"""Work shared out among processes: in order, and with a clear end however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.data.work import fail, pid, reverse, square
from tracker.data.workers import in_order


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_results_come_in_order(processes: int) -> None:
    assert list(in_order(square, range(23), processes)) == [k * k for k in range(23)]


def test_results_may_be_larger_than_a_pipe() -> None:
    results = in_order(bytes, [5_000_000] * 6, 3)
    assert [len(result) for result in results] == [5_000_000] * 6


def test_items_may_be_larger_than_a_pipe_as_well() -> None:
    texts = [letter * 3_000_000 + "." for letter in "abcdef"]
    assert list(in_order(reverse, texts, 2)) == [text[::-1] for text in texts]


def test_fewer_items_than_processes_are_no_trouble() -> None:
    assert list(in_order(square, [3], 4)) == [9]
    assert list(in_order(square, [], 2)) == []


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
from tests.unit.data.work import pid
from tracker.data.workers import in_order

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


LISTED = """
import sys, threading
from tracker.data.workers import in_order
from tracker.data.decode import Decoder

lock = threading.Lock()
threading.Thread(target=lock.acquire, daemon=True).start()
list(in_order(Decoder(8).quietly, [[]], 1))
print("main again")
"""


def test_the_main_program_is_not_run_again_and_nobody_warns_of_forks(tmp_path: Path) -> None:
    program = tmp_path / "main.py"
    program.write_text(LISTED)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "main again\n", "")


def test_decoding_needs_no_torch() -> None:
    code = "import sys, tracker.data.workers, tracker.data.decode; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
