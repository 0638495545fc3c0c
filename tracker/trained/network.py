"""The network of a run, ready to be asked: weights, classes, and how it wants its pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tracker.data.augment import normalise
from tracker.data.decode import decode, reason
from tracker.data.scaling import Scaling, scaled
from tracker.errors import Damaged, UsageError, printable
from tracker.models.build import build
from tracker.models.cost import Cost
from tracker.models.expected import Expected
from tracker.spec.experiment import Experiment
from tracker.spec.words import listed
from tracker.store.asked import asked
from tracker.store.manifest import Entry
from tracker.store.run import Run
from tracker.store.shape import COUNT, TEXT, Shape, fields
from tracker.store.summary import Summary
from tracker.training.machine import Machine, as_before, choose
from tracker.training.origin import expected_by, learned, saved

Which: TypeAlias = Literal["best", "last"]
Device: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]

_MACHINE: Shape = {
    "device": TEXT,
    "precision": TEXT,
    "channels_last": (bool,),
    "threads": COUNT,
}
_PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, eq=False)
class Network:
    """What `run` had learned by one of its checkpoints, in evaluation mode.

    `model` takes what `prepared` gives and tells `classes` apart by logits [B, C]. `expected` says
    which pictures it was trained with, `machine` where and how it computes.
    """

    run: Run
    experiment: Experiment
    checkpoint: Which
    entry: Entry
    model: nn.Module
    classes: tuple[str, ...]
    expected: Expected
    machine: Machine

    def preprocess(self, *pictures: str | os.PathLike[str]) -> Tensor:
        """The files `pictures` as `model` takes them: float32 [B, 3, H, W] on its device.

        Any kind and size, cut and normalised as for the run's evaluation. Raises Damaged, naming
        it, where one cannot be read, and UsageError where none is named.
        """
        if not pictures:
            raise UsageError("preprocess() needs the path of at least one picture")
        images = []
        for path in map(Path, pictures):
            try:
                images.append(torch.from_numpy(self.decode(path).copy()))
            except MemoryError:
                raise
            # Pillow's readers raise what a broken file leads them to: OSError, SyntaxError, …
            except Exception as error:
                raise Damaged(f"{printable(str(path))}: {reason(error)}") from error
        return self.prepared(torch.stack(images))

    def decode(self, path: Path) -> npt.NDArray[np.uint8]:
        """The picture in a file, cut as the run's own were: uint8 [3, H, W]. Raises as `decode`."""
        asked = self.expected
        if asked.scaled_from is not None:  # by `prepared`, as the run's own were
            return decode(path, asked.scaled_from, interpolation=asked.interpolation)
        return decode(path, asked.image_size, asked.resize, asked.interpolation)

    def prepared(self, images: Tensor) -> Tensor:
        """Pictures as decoded, uint8 [B, 3, H, W], as the run's evaluation gave them to `model`."""
        asked = self.expected
        scaling = Scaling(asked.image_size, asked.interpolation)
        return normalise(
            scaled(images.to(self.machine.device), scaling),
            asked.mean,
            asked.std,
            memory_format=self.machine.memory_format,
        )

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """What is said of pictures uint8 [B, 3, H, W]: float32 [B, C], on the machine's device."""
        with self.machine.autocast():
            answer: Tensor = self.model(self.prepared(images))
        return answer.float()

    def to_document(self) -> dict[str, Any]:
        """Which network this is, as JSON values."""
        return {
            "run": self.run.id,
            "checkpoint": self.checkpoint,
            "step": self.entry.step,
            "sha256": self.entry.sha256,
            "classes": list(self.classes),
            "input": self.expected.to_document(),
        }


def open_network(run: Run, which: Which = "best", device: Device = "auto") -> Network:
    """Load what `run` was judged by: its moving average, where it kept one.

    On the device that it was trained on it computes in the same precision and layout. Raises
    UsageError for a run that was imported and for words that `Which` and `Device` don't have,
    Unavailable where it has saved no such checkpoint or there is no such device, and Damaged where
    its files don't fit together.
    """
    _check_word("checkpoint", which, get_args(Which))
    _check_word("device", device, get_args(Device))
    experiment = asked(run)
    entry, weights = _weights(run, which)
    summary, where = run.summary(), printable(str(run.summary_file))
    expected = expected_by(run)
    if summary.data is None or summary.price is None or expected is None:
        raise Damaged(f"{where} does not say which classes and pictures the network was trained on")
    machine = _machine(experiment, summary, device, where)
    model = build(
        experiment.model,
        num_classes=len(summary.data.classes),
        seed=0,  # every weight is replaced
        image_size=expected.image_size,
    )
    _fill(model, weights, run.checkpoints / entry.file)
    return Network(
        run=run,
        experiment=experiment,
        checkpoint=which,
        entry=entry,
        model=machine.place(model, compiled=experiment.training.compile)
        .eval()
        .requires_grad_(False),
        classes=summary.data.classes,
        expected=expected,
        machine=machine,
    )


def _check_word(what: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:  # from a notebook, where no type checker looks on
        raise UsageError(f"{what} is {word!a}; it must be {listed(known, 'or')}")


def _machine(experiment: Experiment, summary: Summary, device: Device, where: str) -> Machine:
    assert summary.price is not None
    price = Cost(summary.price.parameters, summary.price.flops)
    machine = choose(replace(experiment.training, device=device), price)
    if summary.machine is None:
        return machine
    before = fields(dict(summary.machine), _MACHINE, f"{where}: machine")
    if before["precision"] not in _PRECISIONS or not before["threads"]:
        raise Damaged(f"{where}: machine: says what no run was computed with")
    return as_before(machine, before, lambda _: None)  # nothing goes on here that could change


def _weights(run: Run, which: Which) -> tuple[Entry, Mapping[str, Tensor]]:
    """The checkpoint and its weights. A run that is training replaces one while it is read."""
    entry = saved(run, which)
    try:
        return entry, learned(run, entry).state
    except Damaged:
        newer = saved(run, which)
        if newer == entry:
            raise
    return newer, learned(run, newer).state


def _fill(model: nn.Module, weights: Mapping[str, Tensor], file: Path) -> None:
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        fault = " ".join(str(error).split())[:200]
        raise Damaged(
            f"{printable(os.fspath(file))}: not the weights of the network that experiment.json "
            f"asks for ({printable(fault)})"
        ) from error
