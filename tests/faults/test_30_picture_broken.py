"""Row 30: a picture that breaks while a run streams it ends the run in one line."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import AfterStep, the_run, tracker, unlike, write_spec
from tests.faults.fingerprint import fingerprint
from tracker.store import index


def test_a_broken_picture_is_one_line_and_the_run_can_go_on(
    tmp_path: Path,
    streamed: dict[str, Any],
    after_step: AfterStep,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pictures = tmp_path / "pictures"
    shutil.copytree(streamed["root"], pictures)
    spec = write_spec(tmp_path, {**streamed, "root": str(pictures)})
    broken = pictures / "train" / "cat" / "3.png"
    sound = broken.read_bytes()

    def break_it() -> None:
        broken.write_bytes(sound[:100])

    after_step(4, break_it)
    root = tmp_path / "runs"
    assert tracker(root, "run", spec) == 5
    said = capsys.readouterr().err
    assert f"1 of 8 pictures cannot be read: {broken} (" in said
    assert "Traceback" not in said
    assert not [one.name for one in threading.enumerate() if one.name.startswith("decoder")]
    record = index.record(the_run(root))
    assert record.state == "failed"
    assert str(broken) in (record.cause or "")

    broken.write_bytes(sound)
    assert tracker(root, "run", spec, "--resume") == 0
    assert tracker(tmp_path / "whole", "run", spec) == 0
    assert unlike(fingerprint(the_run(tmp_path / "whole")), the_run(root)) == {}
