"""Row 30: a decoding process that is killed (memory ran out, say) ends the run in one line."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import SPEC, AfterStep, the_run, tracker, unlike, write_spec
from tests.faults.fingerprint import fingerprint
from tracker.data import workers
from tracker.data.batches import Batch, Loader, eval_batches
from tracker.store import index
from tracker.training import evaluate


def kill_the_workers() -> None:
    children = Path("/proc/self/task").glob("*/children")
    pids = [int(word) for one in children for word in one.read_text().split()]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_killed_worker_is_one_line_and_the_run_can_go_on(
    tmp_path: Path,
    streamed: dict[str, Any],
    after_step: AfterStep,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Larger batches than a pipe holds, or they would all be there when the workers die.
    spec = write_spec(tmp_path, {**streamed, "image_size": 64})

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


@pytest.mark.parametrize("place", ["training", "evaluating"])
def test_a_worker_that_dies_while_the_run_is_asked_to_stop_is_no_failure(
    tmp_path: Path,
    streamed: dict[str, Any],
    after_step: AfterStep,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
) -> None:
    obituary = workers._obituary

    def asked_to_stop_meanwhile(*args: Any) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return obituary(*args)

    def killed_after_a_batch(loader: Loader) -> Iterator[Batch]:
        batches = eval_batches(loader)
        yield next(batches)
        kill_the_workers()
        yield from batches

    monkeypatch.setattr(workers, "_obituary", asked_to_stop_meanwhile)
    # Larger batches than a pipe holds, or they would all be there when the workers die.
    training = {**SPEC["training"], "eval_batch_size": 2}
    spec = write_spec(tmp_path, {**streamed, "image_size": 160}, training=training)
    if place == "training":
        after_step(5, kill_the_workers)
    else:
        monkeypatch.setattr(evaluate, "eval_batches", killed_after_a_batch)
    root = tmp_path / "runs"
    assert tracker(root, "run", spec) == 143
    assert "died" not in capsys.readouterr().err
    record = index.record(the_run(root))
    assert (record.state, record.cause) == ("stopped", signal.strsignal(signal.SIGTERM))
    assert record.step > 0
    assert the_run(root).manifest().kept[-1].step == record.step
    monkeypatch.undo()
    assert tracker(root, "run", spec, "--resume") == 0
    assert tracker(tmp_path / "whole", "run", spec) == 0
    assert unlike(fingerprint(the_run(tmp_path / "whole")), the_run(root)) == {}
