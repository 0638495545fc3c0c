"""What a run noted is there whole; what does not fit together is left out, and nothing raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from tracker.reading.evaluations import evaluations
from tracker.record.tensorboard import RunWriter
from tracker.store.run import Run

REFERENCE = np.array([[4, 0], [7, 1]])
PICTURES = (b"one", b"two")


def predictions(*classes: float) -> NDArray[np.float32]:
    return np.array([[one, 0.5] for one in classes], np.float32)


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Run]) -> Run:
    """A finished run without records, on two classes."""
    made = make_run(tmp_path / "runs")
    summary = json.loads(made.summary_file.read_text())
    summary["data"]["classes"] = ["a", "b"]
    made.summary_file.write_text(json.dumps(summary))
    return made


def note(run: Run, **values: Any) -> None:
    with RunWriter(run.path, warn=pytest.fail) as writer:
        for name, value in {"reference": REFERENCE, "pictures": PICTURES, **values}.items():
            step = 0 if name in ("reference", "pictures") else 10
            if isinstance(value, tuple):
                writer.files(f"evaluation/{name}", step, value)
            elif value is not None:
                writer.numbers(f"evaluation/{name}", step, value)


def test_what_was_noted(run: Run) -> None:
    counts = np.array([[3, 1], [0, 4]], np.int32)
    note(run, predictions=predictions(1, 0), confusion=counts)
    found = evaluations(run)
    assert found.classes == ("a", "b")
    assert found.pictures == PICTURES
    assert (found.indices.tolist(), found.labels.tolist()) == ([4, 7], [0, 1])
    assert found.steps == (10,)
    assert found.confusion[10].dtype == np.int64
    assert np.array_equal(found.confusion[10], counts)
    assert found.predictions[10].classes.tolist() == [1, 0]
    assert found.predictions[10].confidence.tolist() == [0.5, 0.5]


def test_a_run_without_records_is_empty(run: Run) -> None:
    found = evaluations(run)
    assert (found.pictures, found.steps, found.confusion, found.predictions) == ((), (), {}, {})
    assert found.indices.shape == found.labels.shape == (0,)


def test_a_directory_of_another_program_is_empty(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("evaluation/confusion", 1.0, 1)
        writer.add_text("evaluation/pictures", "x")
        writer.add_histogram("evaluation/predictions", np.arange(3))
    found = evaluations(Run(tmp_path))
    assert (found.classes, found.pictures, found.steps) == ((), (), ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"predictions": predictions(1)},  # of two pictures
        {"predictions": predictions(1, 99)},
        {"predictions": predictions(1, -1)},
        {"predictions": predictions(1, float("nan"))},
        {"predictions": (b"1", b"2")},
        {"predictions": predictions(1, 0), "reference": np.array([[4, 0], [7, 99]])},
        {"predictions": predictions(1, 0), "reference": None},
        {"confusion": np.eye(3, dtype=np.int32)},
        {"confusion": np.array(5)},
        {"confusion": -np.eye(2, dtype=np.int32)},
        {"confusion": np.eye(2, dtype=np.float32)},
    ],
)
def test_what_does_not_fit_is_left_out(run: Run, wrong: dict[str, Any]) -> None:
    note(run, **wrong)
    assert evaluations(run).steps == ()


def test_pictures_that_are_not_as_many_are_none(run: Run) -> None:
    note(run, pictures=(b"one",), predictions=predictions(1, 0))
    assert evaluations(run).pictures == ()
    assert evaluations(run).steps == (10,)


def test_a_damaged_summary_leaves_the_names_out(run: Run) -> None:
    note(run, predictions=predictions(1, 0), confusion=np.eye(3, dtype=np.int32))
    run.summary_file.write_text("{")
    found = evaluations(run)
    assert found.classes == ()
    assert found.steps == (10,)
    assert found.confusion[10].shape == (3, 3)


def test_up_to_the_damage(run: Run) -> None:
    note(run, predictions=predictions(1, 0))
    newest = max(run.path.glob("events.*"))
    newest.write_bytes(newest.read_bytes()[:-3])
    found = evaluations(run)
    assert found.pictures == PICTURES
    assert found.steps == ()
