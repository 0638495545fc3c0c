"""Rows that are kept, and when they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from tracker.spec.load import from_document
from tracker.training.features import Kept, Table, Whole, courses
from tracker.training.state import State, Task


def test_a_table_gives_back_what_was_put_there_and_tells_what_is_missing() -> None:
    like = torch.zeros(2, 3), torch.zeros(2, 4, 5, dtype=torch.bfloat16)
    table = Table(6, like)
    assert not table.is_begun
    assert table.missing.tolist() == [0, 1, 2, 3, 4, 5]
    first, second = torch.randn(3, 3), torch.randn(3, 4, 5).bfloat16()
    table.put(torch.tensor([5, 0, 2]), (first, second))
    assert table.is_begun
    assert table.missing.tolist() == [1, 3, 4]
    one, other = table.take(torch.tensor([2, 5]))
    assert torch.equal(one, first[[2, 0]])
    assert torch.equal(other, second[[2, 0]])
    one.zero_()  # whoever takes them may change them
    assert torch.equal(table.take(torch.tensor([2]))[0], first[[2]])


def asked(said: list[str], views: int | None, model: Any = None, **training: Any) -> Task:
    """As much of a task as is looked at: 10 steps an epoch."""
    experiment = from_document(
        {
            "name": "x",
            "model": {"freeze": "backbone"} if model is None else model,
            "training": {"epochs": 5, **training},
        }
    )
    made: Any = SimpleNamespace(
        experiment=experiment,
        batches=type("Batches", (), {"views": views, "__len__": lambda _: 10})(),
        total_steps=training.get("max_steps", 50),
        say=said.append,
    )
    return cast("Task", made)


def state() -> State:
    made: Any = SimpleNamespace(model=None, features=None)
    return cast("State", made)


@pytest.mark.parametrize(
    ("views", "changes"),
    [
        (1, {}),
        (2, {}),
        (1, {"max_steps": 3}),  # the long run's prefix
        (1, {"model": {"freeze": {"until_epoch": 2}}}),
        (1, {"model": {"freeze": ["conv1"]}}),
    ],
)
def test_features_are_kept_where_they_serve_again(views: int, changes: dict[str, Any]) -> None:
    said: list[str] = []
    assert isinstance(courses(asked(said, views, **changes), state()), Kept)
    assert said == []


@pytest.mark.parametrize(
    ("views", "changes"),
    [
        (None, {"model": {"freeze": False}}),
        (None, {"cache_features": False}),
        (None, {"epochs": 1, "max_steps": 10}),
        (1, {"model": {"freeze": {"until_epoch": 1}}}),
        (2, {"model": {"freeze": {"until_epoch": 2}}}),  # the second epoch mirrors the other half
    ],
)
def test_where_nothing_is_frozen_or_comes_twice_there_is_nothing_to_say(
    views: int | None, changes: dict[str, Any]
) -> None:
    said: list[str] = []
    assert type(courses(asked(said, views, **changes), state())) is Whole
    assert said == []


@pytest.mark.parametrize(
    ("views", "changes", "why"),
    [
        (None, {}, "data.augment makes too many of a picture"),
        (1, {"mixup_alpha": 0.1}, "training.mixup_alpha blends pictures"),
    ],
)
def test_where_features_cannot_be_kept_the_run_says_why(
    views: int | None, changes: dict[str, Any], why: str
) -> None:
    said: list[str] = []
    changed = state()
    assert type(courses(asked(said, views, **changes), changed)) is Whole
    assert said == [f"features of what is frozen are computed anew in each epoch: {why}"]
    assert changed.features == {"kept": False, "why": why}
