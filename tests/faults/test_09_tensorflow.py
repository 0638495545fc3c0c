"""Row 9: where TensorFlow is installed, TensorBoard writes through its buffers; we must not."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.faults.conftest import REPOSITORY
from tracker.events.reader import read_scalars

TENSORFLOW = """
import types

class GFile:
    def __init__(self, *_):
        raise AssertionError("an event is about to wait in TensorFlow's buffer")

__version__ = "2.99.0"
io = types.SimpleNamespace(gfile=types.SimpleNamespace(GFile=GFile))
"""
WRITE = """
import os, pathlib, signal, sys
import tensorboard.compat
from tracker.record.tensorboard import RunWriter
assert tensorboard.compat.tf.__version__ == "2.99.0"
writer = RunWriter(pathlib.Path(sys.argv[1]), warn=print)
for step in range(80):
    writer.scalars(step, {"loss/train": step})
    writer.add_scalar("mine", step, step)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_every_point_is_with_the_system_though_tensorflow_is_there(tmp_path: Path) -> None:
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text(TENSORFLOW)
    run = tmp_path / "run"
    run.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(run)],
        env={"PYTHONPATH": f"{tmp_path}:{REPOSITORY}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    series = read_scalars(run).series
    assert {tag: len(one) for tag, one in series.items()} == {"loss/train": 80, "mine": 80}
