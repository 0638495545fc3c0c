"""A run that keeps the features of what is frozen is the run that does not.

Bit for bit on one thread; on several, a small head differs in its last digits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import trained
from tracker import tags
from tracker.errors import Stopped
from tracker.events.reader import read_scalars
from tracker.events.tensors import read_tensors
from tracker.launch.plan import Existing
from tracker.store.run import Run
from tracker.training import checkpoint, loop
from tracker.training.features import Kept
from tracker.training.machine import Machine
from tracker.training.state import State, Task

FIRST: dict[str, Any] = {
    "name": "first",
    "data": {"name": "shapes", "train_size": 70, "val_size": 25, "augment": []},
    "model": {"backbone": "mobilenet_v3_small"},  # has a dropout before its head
    "optimizer": {"name": "sgd", "lr": 0.02},
    "training": {"epochs": 1, "batch_size": 16, "eval_batch_size": 10, "threads": 1},
    "logging": {"graph": False, "git_diff": False, "scalars_every": 1},
}
FROZEN = {**FIRST["model"], "weights": {"run": "first"}, "freeze": "backbone"}
KEPT = "features of what is frozen are computed once and kept"
Train = Callable[..., Run]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def train(tmp_path: Path, said: list[str]) -> Train:
    """Run a frozen network with parts of blocks changed, from a net whose norms know pictures."""
    root = tmp_path / "runs"

    def run(name: str, existing: Existing = "refuse", **changes: dict[str, Any]) -> Run:
        document = {**FIRST, "name": name, "model": FROZEN}
        document["training"] = {**FIRST["training"], "epochs": 4}
        for block, values in changes.items():
            document[block] = {**document.get(block, {}), **values}
        [one] = trained.train(root, document, existing, said.append)
        return one

    trained.train(root, FIRST)
    return run


def told(run: Run) -> dict[str, Any]:
    """All that a run wrote of what it learned: curves, histograms, weights, features."""
    scalars = {
        tag: (series.steps.tolist(), series.values.tolist())
        for tag, series in read_scalars(run.path).series.items()
        if tag not in tags.INCIDENTAL
    }
    state = checkpoint.load(run, run.manifest().kept[-1])
    noted = read_tensors(run.path, (tags.EVALUATED_PREDICTIONS,))[tags.EVALUATED_PREDICTIONS]
    files = {path.name: path.read_bytes() for path in run.path.glob("projector*")}
    assert len(files) == 4
    assert len(scalars) > 5
    return {
        "scalars": scalars,
        "model": {name: one.tolist() for name, one in state["model"].items()},
        "average": state["average"] and [one.tolist() for one in state["average"].values()],
        "predictions": [(point.step, np.asarray(point.value).tolist()) for point in noted],
        "files": files,
    }


PLAIN: dict[str, Any] = {}
EVERYTHING = {
    "data": {"augment": ["horizontal_flip"]},
    "training": {"epochs": 5, "label_smoothing": 0.1, "ema_decay": 0.5, "clip_grad_norm": 1.0},
    "logging": {"histograms": "all"},
}
THAWING = {"model": {"freeze": {"until_epoch": 3}}, "training": {"epochs": 5}}
BEGINNING = {"model": {"freeze": ["features.0", "features.1", "features.2"]}}
HALF = {"training": {"precision": "bfloat16", "channels_last": True}}
SEVERAL = {"data": {"augment": ["horizontal_flip"]}, "training": {"threads": 3}}


@pytest.mark.parametrize(
    "changes",
    [PLAIN, EVERYTHING, THAWING, BEGINNING, HALF],
    ids=["plain", "everything", "thawing", "beginning", "bfloat16"],
)
def test_kept_or_computed_anew_it_is_the_same_run(
    train: Train, changes: dict[str, Any], said: list[str]
) -> None:
    kept = train("kept", **changes)
    assert sum(line.startswith(KEPT) for line in said) == 1
    assert KEPT in kept.log_file.read_text()
    facts = kept.summary().features
    assert facts is not None
    assert facts["kept"] is True
    said.clear()
    off = {**changes, "training": {**changes.get("training", {}), "cache_features": False}}
    plain = train("plain", **off)
    assert not [line for line in said if "features" in line]
    assert plain.summary().features is None
    assert told(kept) == told(plain)


def test_on_several_threads_a_small_head_is_left_to_one(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, list[int]] = {"features": [], "step": [], "evaluation": []}

    def watch(owner: object, name: str, what: str) -> None:
        real = getattr(owner, name)

        def watched(*args: Any, **options: Any) -> Any:
            found = real(*args, **options)
            threads[what].append(torch.get_num_threads())
            return found

        monkeypatch.setattr(owner, name, watched)

    watch(Kept, "_features", "features")
    watch(loop, "_step", "step")
    watch(loop, "evaluate", "evaluation")
    kept = read_scalars(train("kept", **SEVERAL).path).series
    assert {name: set(found) for name, found in threads.items()} == {
        "features": {3},
        "step": {1},
        "evaluation": {3},
    }
    off = {**SEVERAL, "training": {"threads": 3, "cache_features": False}}
    plain = read_scalars(train("plain", **off).path).series
    assert set(threads["step"]) == {1, 3}
    for tag in (tags.LOSS_TRAIN, tags.LOSS_VAL, tags.GRAD_NORM):
        np.testing.assert_allclose(kept[tag].values, plain[tag].values, rtol=1e-4)


def interrupt(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop end after optimizer step `step`, once, as nothing but a kill ends it."""
    take = loop._step

    def interrupted(task: Task, state: State, *args: Any, **options: Any) -> Any:
        result = take(task, state, *args, **options)
        if state.step == step:
            monkeypatch.setattr(loop, "_step", take)
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(loop, "_step", interrupted)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "step"),
    [
        *((EVERYTHING, step) for step in (4, 6, 11, 14)),
        *((THAWING, step) for step in (4, 6, 11, 14)),
        *((SEVERAL, step) for step in (6, 11)),
    ],
)
def test_killed_in_the_middle_of_an_epoch_and_taken_up_it_is_the_same_run(
    train: Train, step: int, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    often = {**changes, "checkpoint": {"every_steps": 3}}
    whole = train("whole", **changes)
    interrupt(step, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        train("cut", **often)
    assert told(train("cut", "resume", **often)) == told(whole)


def test_a_signal_is_heeded_while_missing_features_are_computed(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:

    complete = Kept._complete

    def asked_to_stop(self: Kept, *args: Any) -> None:
        self._task.stop.signum = 15
        complete(self, *args)
        assert len(args[1].missing) == 2 * 70 - 64, "nothing was computed any more"

    monkeypatch.setattr(Kept, "_complete", asked_to_stop)
    with pytest.raises(Stopped, match="stopped at step 5 of 16"):
        train("cut", data={"augment": ["horizontal_flip"]})
    monkeypatch.undo()
    resumed = train("cut", "resume", data={"augment": ["horizontal_flip"]})
    whole = train("whole", data={"augment": ["horizontal_flip"]})
    assert told(resumed) == told(whole)


def test_where_memory_is_short_it_runs_as_ever_and_says_so(
    train: Train, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # 70 + 25 pictures, 1,024 numbers of 4 bytes each
    monkeypatch.setattr(Machine, "free_memory", lambda _: 4 * 95 * 4096 - 1)
    short = train("short")
    assert [line for line in said if "features" in line] == [
        "features of what is frozen are computed anew in each epoch: "
        "they would take 0 MB, more than a quarter of the 2 MB free"
    ]
    monkeypatch.setattr(Machine, "free_memory", lambda _: 4 * 95 * 4096)
    assert train("enough").summary().features == {"kept": True, "bytes": 95 * 4096}
    assert told(short) == told(Run(short.path.parents[2] / "enough/mobilenet_v3_small/s0"))


def test_on_several_threads_too_neither_memory_nor_an_early_end_shows(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = train("kept", **SEVERAL)
    threads: list[int] = []
    step = loop._step

    def watched(*args: Any, **options: Any) -> Any:
        found = step(*args, **options)
        threads.append(torch.get_num_threads())
        return found

    monkeypatch.setattr(loop, "_step", watched)
    cut = train("cut", **{**SEVERAL, "training": {"threads": 3, "max_steps": 3}})
    monkeypatch.setattr(Machine, "free_memory", lambda _: 0)
    short = train("short", **SEVERAL)
    assert set(threads) == {1}
    assert torch.get_num_threads() == 3
    assert told(short) == told(kept)
    losses = [read_scalars(one.path).series[tags.LOSS_TRAIN].values for one in (cut, kept)]
    assert losses[0].tolist() == losses[1][:3].tolist()


def test_after_the_first_epoch_the_frozen_part_is_run_no_more(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = torch.nn.functional.hardswish

    def counted(images: torch.Tensor, *args: Any) -> torch.Tensor:
        if images.shape[1:] == (16, 16, 16):  # behind the first convolution
            seen.append(len(images))
        return real(images, *args)

    monkeypatch.setattr(torch.nn.functional, "hardswish", counted)
    train("kept", logging={"pictures_every": 0}, training={"epochs": 9})
    # Twice two of each half to see how large features are; an epoch; the evaluation; the six
    # pictures that the epoch left out, in a batch like the others.
    assert seen[-12:] == [2] * 4 + [16] * 4 + [10, 10, 5] + [16]
