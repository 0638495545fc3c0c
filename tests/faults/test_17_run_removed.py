"""Row 17: a run whose directory goes while it trains says so, and does not make another."""

import shutil
from pathlib import Path

import pytest

from tests.faults.conftest import AfterStep, the_run, tracker


def test_a_run_removed_while_it_trains(
    tmp_path: Path, spec: Path, after_step: AfterStep, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "runs"
    after_step(3, lambda: shutil.rmtree(the_run(root).path))
    assert tracker(root, "run", spec) == 6
    said = capsys.readouterr().err
    assert "removed" in said
    assert "Traceback" not in said
    assert not the_run(root).path.exists()
