"""Row 30: a decoding process that is killed (memory ran out, say) ends the run in one line."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import AfterStep, the_run, tracker, unlike, write_spec
from tests.faults.fingerprint import fingerprint
from tracker.store import index

# From 3.12 on Python says that a fork of a process with threads may hang; what we run in the
# child takes no lock that a thread could hold.
pytestmark = pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")


def test_a_killed_worker_is_one_line_and_the_run_can_go_on(
    tmp_path: Path,
    streamed: dict[str, Any],
    after_step: AfterStep,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Larger batches than a pipe holds, or they would all be there when the workers die.
    spec = write_spec(tmp_path, {**streamed, "image_size": 64})

    def kill_the_workers() -> None:
        for process in multiprocessing.active_children():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()

    after_step(5, kill_the_workers)
    root = tmp_path / "runs"
    assert tracker(root, "run", spec) == 1
    said = capsys.readouterr().err
    assert "a process that decodes pictures died (SIGKILL)" in said
    assert "Traceback" not in said
    record = index.record(the_run(root))
    assert record.state == "failed"
    assert "died (SIGKILL)" in (record.cause or "")
    assert tracker(root, "run", spec, "--resume") == 0
    assert tracker(tmp_path / "whole", "run", spec) == 0
    assert unlike(fingerprint(the_run(tmp_path / "whole")), the_run(root)) == {}
