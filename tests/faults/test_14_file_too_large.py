"""Row 14: where a file may not grow (here `ulimit -f`), a run says so and can go on later.

A full disk is in test_03_disk_errors.py, at every call there is.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import the_run, tracker, unlike
from tests.faults.fingerprint import Fingerprint
from tracker.store import index


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Python ignores the signal that comes with it, so a write fails with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [30_000, 600_000], ids=["while logging", "while saving"])
def test_a_file_that_may_not_grow(
    tmp_path: Path,
    spec: Path,
    uninterrupted: Fingerprint,
    size: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "runs"
    with no_file_larger_than(size):
        assert tracker(root, "run", spec) == 6
    said = capsys.readouterr().err
    assert "larger than allowed here" in said
    assert "Traceback" not in said
    record = index.record(the_run(root))
    assert record.state == "failed"
    assert "larger than allowed here" in (record.cause or "")
    assert tracker(root, "run", spec, "--resume") == 0
    assert unlike(uninterrupted, the_run(root)) == {}
