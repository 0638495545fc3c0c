"""What enters the classifier, whatever the network; no run ends for want of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from tracker.data.batches import Loader
from tracker.data.dataset import Dataset, Split
from tracker.training import projector
from tracker.training.machine import Machine
from tracker.training.state import Task

WHITE = (1.0, 1.0, 1.0)
CPU = torch.device("cpu")


class Backwards(nn.Module):
    """A classifier that stands first and is called last."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(5, 2)
        self.body = nn.Linear(3 * 4 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(x.flatten(1)))
        return logits


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def task(tmp_path: Path, said: list[str]) -> Task:
    """As much of a task as is looked at: four pictures of two classes."""
    images = torch.arange(4 * 3 * 4 * 4, dtype=torch.uint8).view(4, 3, 4, 4)
    split = Split(images, torch.tensor([0, 0, 1, 1]))
    made: Any = SimpleNamespace(
        dataset=Dataset("x", split, split, ("a", "b"), WHITE, WHITE, 4, "", torch.arange(4)),
        machine=Machine(CPU, "float32", channels_last=False, threads=1),
        validation=Loader(split, 3, mean=WHITE, std=WHITE, device=CPU),
        run=SimpleNamespace(run=SimpleNamespace(path=tmp_path)),
        say=said.append,
    )
    return cast("Task", made)


def test_what_enters_the_linear_layer_called_last(task: Task, tmp_path: Path) -> None:
    model = Backwards().train()
    projector.write(task, model)
    assert model.training
    assert not model.head._forward_pre_hooks
    rows = (tmp_path / "projector_features.tsv").read_text().splitlines()
    assert [len(row.split("\t")) for row in rows] == [5] * 4
    header, *table = (tmp_path / "projector_pictures.tsv").read_text().splitlines()
    assert header == "class\tpredicted\tverdict\tconfidence\tindex"
    assert [row.split("\t")[0] for row in table] == ["a", "b", "a", "b"]
    assert [row.split("\t")[-1] for row in table] == ["0", "2", "1", "3"]
    for row in table:
        name, predicted, verdict, *_ = row.split("\t")
        assert verdict == ("right" if name == predicted else "wrong")


def test_a_network_without_a_linear_layer_is_a_line_in_the_log(
    task: Task, tmp_path: Path, said: list[str]
) -> None:
    projector.write(task, nn.Sequential(nn.Conv2d(3, 2, 4), nn.Flatten()))
    assert said == ["no projector page: the network has no linear layer to look at"]
    assert list(tmp_path.iterdir()) == []
