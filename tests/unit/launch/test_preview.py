"""What runs would be given: which of them together, which seed, and by whose mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tracker.errors import NoSuchRun
from tracker.launch.preview import Preview, previews
from tracker.spec.experiment import Experiment
from tracker.spec.load import from_document

DATA: dict[str, Any] = {"name": "shapes", "train_size": 50, "val_size": 20}


def asked(variant: str, **blocks: Any) -> Experiment:
    document = {"name": "e", "variant": variant, "data": DATA, "training": {"batch_size": 20}}
    return from_document(document | blocks)


def shown(experiments: Sequence[Experiment], root: Path = Path("none")) -> list[Preview]:
    return previews(experiments, root, pytest.fail)


def test_runs_that_are_given_the_same_are_shown_together() -> None:
    augmented = {**DATA, "augment": ["cutout"]}
    found = shown(
        [
            asked("a"),
            asked("b", data=augmented),
            asked("c", model={"backbone": "small_cnn"}),
            asked("d", training={"batch_size": 10}),
            asked("e", data=augmented),
            asked("f", training={"batch_size": 20, "mixup_alpha": 0.2}),
        ]
    )
    assert [one.variants for one in found] == [("a", "c"), ("b", "e"), ("d",), ("f",)]
    few, many = (one.first_unchanged().images for one in (found[2], found[0]))
    assert torch.equal(few, many[:10])


def test_of_several_seeds_the_first_is_shown() -> None:
    [one] = shown([asked("a", seed=5), asked("a", seed=3), asked("b", seed=5)])
    assert (one.experiment.seed, one.variants) == (5, ("a", "b"))
    [other] = shown([asked("a", seed=3)])
    assert not torch.equal(one.first_batch().images, other.first_batch().images)


def test_the_batch_is_of_the_runs_size_and_validation_of_all_classes() -> None:
    [one] = shown([asked("a")])
    assert one.first_batch().images.shape == (20, 3, 32, 32)
    assert one.evaluated(10).labels.tolist() == list(range(10))
    assert len(one.evaluated(99).images) == 20


def test_weights_of_a_run_that_is_not_there_are_missed(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun):
        shown([asked("a", model={"weights": {"run": "nowhere"}})], tmp_path)
