"""Rows 28 and 29: what a dead process said of itself neither makes a run alive nor ends it."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import AfterStep, the_run, tracker, unlike
from tests.faults.fingerprint import Fingerprint


@pytest.mark.parametrize(
    "said",
    [{"pid": os.getpid()}, {"pid": os.getpid(), "boot_id": "another"}, {"pid": 2**22 + 1}],
    ids=["its pid is another process's", "the machine was restarted", "it is no more"],
)
def test_a_dead_run_is_crashed_and_can_go_on(
    tmp_path: Path,
    spec: Path,
    uninterrupted: Fingerprint,
    after_step: AfterStep,
    said: dict[str, Any],
) -> None:
    root, run = tmp_path / "runs", the_run(tmp_path / "runs")
    after_step(5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert tracker(root, "run", spec) == 143
    status = json.loads(run.status_file.read_text())
    status |= {"state": "running", "ended": None, "cause": None, "signal": None, **said}
    run.status_file.write_text(json.dumps(status))
    assert run.state() == "crashed"
    assert tracker(root, "run", spec, "--resume") == 0
    assert unlike(uninterrupted, run) == {}
