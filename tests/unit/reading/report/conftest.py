"""Runs whose networks were asked about the same pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracker.record.tensorboard import RunWriter
from tracker.store.run import Run

CLASSES = ("cat", "dog", "<b>bird</b>")


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def evaluated(tmp_path: Path, make_run: Callable[..., Run]) -> Callable[..., Run]:
    """Make a run that took three pictures, a cat, a dog and a bird, for the classes of these
    numbers; its accuracy is their share that is right. `counts` is its confusion matrix.
    """

    def make(
        backbone: str,
        seed: int,
        taken_for: Sequence[int],
        *,
        counts: object = None,
        indices: Sequence[int] = (5, 7, 9),
    ) -> Run:
        right = float(np.mean(np.equal(taken_for, (0, 1, 2))))
        run = make_run(tmp_path / "runs", backbone, seed, accuracy=(0.1, 0.2, right))
        summary = json.loads(run.summary_file.read_text())
        summary["data"]["classes"] = CLASSES
        run.summary_file.write_text(json.dumps(summary))
        with RunWriter(run.path, warn=pytest.fail) as writer:
            writer.numbers("evaluation/reference", 0, np.stack([indices, (0, 1, 2)], axis=1))
            writer.files("evaluation/pictures", 0, (png(10), png(20), png(30)))
            told = np.array([[one, 0.75] for one in taken_for], np.float32)
            writer.numbers("evaluation/predictions", 30, told)
            matrix = np.eye(3) * 10 if counts is None else counts
            writer.numbers("evaluation/confusion", 30, np.array(matrix, np.int32))
        return run

    return make
