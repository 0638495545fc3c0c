"""Row 34: resumed under other circumstances: what can be as before is, and the rest is said."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch

from tests.faults.conftest import SPEC, AfterStep, the_run, tracker, unlike, write_spec
from tests.faults.fingerprint import fingerprint


@pytest.fixture
def stopped(tmp_path: Path, after_step: AfterStep) -> Path:
    """A spec that leaves the threads open, and a run of it that stopped at step 5, with one."""
    training = {**SPEC["training"], "threads": None}
    spec = write_spec(tmp_path, training=training)
    assert tracker(tmp_path / "whole", "run", spec) == 0
    after_step(5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert tracker(tmp_path / "runs", "run", spec) == 143
    return spec


def test_the_threads_are_those_of_before_and_that_is_said(
    tmp_path: Path,
    stopped: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert tracker(tmp_path / "runs", "run", stopped, "--resume") == 0
    assert "computed with 1 threads, as before, not with 2\n" in capsys.readouterr().err
    assert torch.get_num_threads() == 1
    assert unlike(fingerprint(the_run(tmp_path / "whole")), the_run(tmp_path / "runs")) == {}


def test_another_pytorch_is_said_and_recorded(
    tmp_path: Path,
    stopped: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = str(torch.__version__)
    monkeypatch.setattr(torch, "__version__", "99.0")
    assert tracker(tmp_path / "runs", "run", stopped, "--resume") == 0
    words = f"so not bit-identical: torch was {before}, is 99.0"
    assert words in capsys.readouterr().err
    run = the_run(tmp_path / "runs")
    assert words in run.log_file.read_text()
    assert len(json.loads(run.provenance_file.read_text())["resumed"]) == 1
