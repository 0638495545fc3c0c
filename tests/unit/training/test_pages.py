"""No drawing ends a run; what the disk refuses does."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from tracker import tags
from tracker.data.dataset import Dataset, Split
from tracker.events.tensors import read_tensors
from tracker.record import pictures
from tracker.record.tensorboard import RunWriter
from tracker.training import pages
from tracker.training.evaluate import Evaluation
from tracker.training.pages import write_evaluation, write_numbers, write_reference

LABELS = torch.tensor([0, 1, 1])
SCORES = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
RESULT = Evaluation(
    0.5, 2 / 3, torch.tensor([0, 1, 0]), torch.tensor([0.9, 0.8, 0.7]), LABELS, SCORES
)
NET = nn.Sequential(nn.Conv2d(3, 4, 3))


def dataset() -> Dataset:
    split = Split(torch.zeros(3, 3, 8, 8, dtype=torch.uint8), LABELS)
    white = (1.0, 1.0, 1.0)
    return Dataset("x", split, split, ("a", "b"), white, white, 8, "0" * 64, torch.tensor([0, 1]))


def broken(*_: object) -> None:
    raise ZeroDivisionError("no pen")


def test_a_drawing_that_fails_is_one_warning_and_the_others_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "prediction_grid", broken)
    monkeypatch.setattr(pictures, "mistakes_grid", pictures.input_grid)  # takes fewer arguments
    told: list[str] = []
    with RunWriter(tmp_path, warn=told.append) as writer:
        for step in (1, 2):
            write_evaluation(writer, dataset(), step, NET, RESULT)
    assert [line.partition(" ")[0] for line in told] == [tags.PREDICTIONS, tags.MISTAKES]
    assert "ZeroDivisionError: no pen" in told[0]
    events = EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["tensors"]) == {tags.CONFUSION, tags.FILTERS}
    assert [point.step for point in events.Tensors(tags.CONFUSION)] == [1, 2]


def test_pictures_that_cannot_be_read_again_are_the_disk_s_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Split, indices: Tensor) -> Tensor:
        raise OSError(f"{len(indices)} pictures are gone")

    monkeypatch.setattr(Split, "fetch", gone)
    with (
        RunWriter(tmp_path, warn=pytest.fail) as writer,
        pytest.raises(OSError, match="2 pictures are gone"),
    ):
        write_evaluation(writer, dataset(), 1, NET, RESULT)


def test_a_network_without_convolutions_has_no_filters(tmp_path: Path) -> None:
    with RunWriter(tmp_path, warn=pytest.fail) as writer:
        write_evaluation(writer, dataset(), 1, nn.Linear(2, 2), RESULT)
    found = EventAccumulator(str(tmp_path)).Reload().Tags()["tensors"]
    assert set(found) == {tags.PREDICTIONS, tags.MISTAKES, tags.CONFUSION}


def test_the_numbers_behind_the_pictures_are_noted(tmp_path: Path) -> None:
    with RunWriter(tmp_path, warn=pytest.fail) as writer:
        write_reference(writer, dataset())
        for step in (1, 2):
            write_numbers(writer, dataset(), step, RESULT)
    found = read_tensors(
        tmp_path,
        [
            tags.EVALUATED_REFERENCE,
            tags.EVALUATED_PICTURES,
            tags.EVALUATED_PREDICTIONS,
            tags.EVALUATED_CONFUSION,
        ],
    )
    [reference] = found[tags.EVALUATED_REFERENCE]
    assert np.array_equal(reference.value, [[0, 0], [1, 1]])
    [pictures] = found[tags.EVALUATED_PICTURES]
    assert [Image.open(io.BytesIO(png)).size for png in pictures.value] == [(8, 8)] * 2
    predictions, confusion = (
        found[tag] for tag in (tags.EVALUATED_PREDICTIONS, tags.EVALUATED_CONFUSION)
    )
    assert [point.step for point in predictions] == [point.step for point in confusion] == [1, 2]
    assert np.array_equal(predictions[1].value, np.array([[0, 0.9], [1, 0.8]], np.float32))
    assert np.array_equal(confusion[1].value, [[1, 0], [1, 1]])


def test_of_very_many_classes_no_confusion_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "CONFUSION_UP_TO", 1)
    with RunWriter(tmp_path, warn=pytest.fail) as writer:
        write_numbers(writer, dataset(), 1, RESULT)
    found = read_tensors(tmp_path, [tags.EVALUATED_PREDICTIONS, tags.EVALUATED_CONFUSION])
    assert [len(points) for points in found.values()] == [1, 0]
