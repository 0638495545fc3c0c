"""Row 31: an exception amid training. A loss of NaN is in tests/flow/test_training.py."""

from pathlib import Path

import pytest

from tests.faults.conftest import AfterStep, the_run, tracker, unlike
from tests.faults.fingerprint import Fingerprint
from tracker import tags
from tracker.events.reader import read_scalars
from tracker.store import index


@pytest.mark.parametrize(
    ("error", "code"),
    [(RuntimeError("out of memory"), 1), (MemoryError("no more"), 6), (KeyError("a bug"), 70)],
)
def test_an_exception_is_the_run_s_cause_and_its_points_stay(
    tmp_path: Path,
    spec: Path,
    uninterrupted: Fingerprint,
    after_step: AfterStep,
    error: Exception,
    code: int,
) -> None:
    def fail() -> None:
        raise error

    root = tmp_path / "runs"
    after_step(7, fail)
    assert tracker(root, "run", spec) == code
    record = index.record(the_run(root))
    assert record.state == "failed"
    assert str(error.args[0]) in (record.cause or "")
    assert read_scalars(the_run(root).path).series[tags.LOSS_TRAIN].steps.tolist() == [1, 2, 4, 6]
    assert "Traceback" in the_run(root).log_file.read_text()
    assert tracker(root, "run", spec, "--resume") == 0
    assert unlike(uninterrupted, the_run(root)) == {}
