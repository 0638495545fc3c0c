"""The page of what the network sees; no run ends for want of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from tracker.data.dataset import Dataset, Split
from tracker.training import projector
from tracker.training.evaluate import Evaluation
from tracker.training.state import Task

WHITE = (1.0, 1.0, 1.0)
LABELS = torch.tensor([0, 0, 1, 1])
RESULT = Evaluation(
    loss=1.0,
    accuracy=0.75,
    predicted=torch.tensor([0, 0, 1, 0]),
    confidence=torch.tensor([0.5, 0.625, 0.75, 1.0]),
    labels=LABELS,
    scores=torch.zeros(4, 2),
)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def task(tmp_path: Path, said: list[str]) -> Task:
    """As much of a task as is looked at: four pictures of two classes."""
    images = torch.arange(4 * 3 * 4 * 4, dtype=torch.uint8).view(4, 3, 4, 4)
    split = Split(images, LABELS)
    made: Any = SimpleNamespace(
        dataset=Dataset("x", split, split, ("a", "b"), WHITE, WHITE, 4, "", torch.arange(4)),
        run=SimpleNamespace(run=SimpleNamespace(path=tmp_path)),
        say=said.append,
    )
    return cast("Task", made)


def test_each_picture_has_its_features_and_what_was_made_of_it(task: Task, tmp_path: Path) -> None:
    assert projector.shown(task).tolist() == [0, 2, 1, 3]
    projector.write(task, RESULT, torch.arange(20.0).view(4, 5) ** 2)
    rows = (tmp_path / "projector_features.tsv").read_text().splitlines()
    assert [len(row.split("\t")) for row in rows] == [5] * 4
    header, *table = (tmp_path / "projector_pictures.tsv").read_text().splitlines()
    assert header == "class\tpredicted\tverdict\tconfidence\tindex"
    assert table == [
        "a\ta\tright\t0.50\t0",
        "b\tb\tright\t0.75\t2",
        "a\ta\tright\t0.62\t1",
        "b\ta\twrong\t1.00\t3",
    ]


def test_a_network_without_a_linear_layer_is_a_line_in_the_log(
    task: Task, tmp_path: Path, said: list[str]
) -> None:
    projector.write(task, RESULT, None)
    assert said == ["no projector page: the network has no linear layer to look at"]
    assert list(tmp_path.iterdir()) == []


def test_features_that_cannot_be_laid_out_are_a_line_in_the_log(
    task: Task, tmp_path: Path, said: list[str]
) -> None:
    projector.write(task, RESULT, torch.full((4, 100), torch.nan))
    assert len(said) == 1
    assert said[0].startswith("no projector page: linalg.eigh")
    assert list(tmp_path.iterdir()) == []
