"""What a frozen part of the network makes of each picture, computed once and kept.

Such a part gives a picture the same features in every epoch, so from the second one on only the
rest is run. They are computed in batches as large as training's: then a picture comes to the same
bits whatever stands beside it (measured, on CPUs), and a run that keeps them and one that was cut
off in the middle of an epoch and taken up are the same run; so is one that would keep them and has
no room. One that was told not to is the same on one thread; on several a small rest differs in its
last digits, for it is left to one (`LIGHT`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from tracker.data.batches import TrainBatches, eval_batches
from tracker.models import freezing
from tracker.spec.experiment import UntilEpoch
from tracker.training.evaluate import answers
from tracker.training.loss import Inputs
from tracker.training.split import Halves, split
from tracker.training.state import State, Task

SHARE = 0.25  # of the free memory, at most
MB = 1_000_000
# Floating-point operations of a step's forward pass; what takes fewer one thread does sooner than
# four that wait for each other and for whoever has taken a core from one of them (a checkpoint's
# writer: 4 ms). A head of 10 classes over 2,048 features takes 0.15 ms for 16 pictures.
LIGHT = 10_000_000

Forward: TypeAlias = Callable[[Inputs], Tensor]
Course: TypeAlias = Iterator[tuple[Inputs, Tensor]]  # what `Forward` takes of a batch, and labels


class Table:
    """Rows of tensors, one for each picture, filled in any order."""

    def __init__(self, rows: int, like: tuple[Tensor, ...]) -> None:
        """Make room for `rows` rows such as `like` (each [B, …]) has."""
        self._columns = tuple(one.new_empty(rows, *one.shape[1:]) for one in like)
        self._known = torch.zeros(rows, dtype=torch.bool)

    def put(self, rows: Tensor, values: tuple[Tensor, ...]) -> None:
        """Keep `values` as `rows` (int64 [B], on the CPU)."""
        for column, value in zip(self._columns, values, strict=True):
            column.index_copy_(0, rows.to(column.device, non_blocking=True), value)
        self._known[rows] = True

    def take(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Return what was put there, as new tensors."""
        return tuple(
            one.index_select(0, rows.to(one.device, non_blocking=True)) for one in self._columns
        )

    @property
    def is_begun(self) -> bool:
        """Whether anything was put into it."""
        return bool(self._known.any())

    @property
    def missing(self) -> Tensor:
        """The rows that nothing was put into, int64, rising."""
        return (~self._known).nonzero()[:, 0]


class Whole:
    """The plain way: every batch through the whole network."""

    def __init__(self, task: Task, state: State) -> None:
        self._task, self._state = task, state
        compiles = task.experiment.training.compile
        self._forward: Forward = torch.compile(state.model) if compiles else state.model

    def epoch(self, epoch: int, start: int) -> tuple[Forward, Course]:
        """What each step of `epoch` calls, and with what: its batches from `start` on."""
        return self._forward, self._task.batches.epoch(epoch, start)

    def answers(self) -> Iterator[tuple[Tensor, Tensor]]:
        """What the network that is judged says of the validation pictures, and their labels."""
        task = self._task
        return answers(self._state.evaluated_model, task.validation, task.machine)


class Kept(Whole):
    """The same results, with what is frozen run once for each picture as long as it is frozen."""

    def __init__(self, task: Task, state: State, until: int) -> None:
        super().__init__(task, state)
        self._until = until  # epochs
        self._is_begun = False
        self._is_light = False  # what is not frozen
        self._training: tuple[Halves, Table | None] | None = None
        self._validation: tuple[Halves, list[tuple[Inputs, Tensor]]] | None = None

    def epoch(self, epoch: int, start: int) -> tuple[Forward, Course]:
        """As above; while there is something frozen, each step goes on from features."""
        torch.set_num_threads(self._task.machine.threads)
        if epoch >= self._until:  # what was frozen learns from here on
            self._training = self._validation = None
        elif not self._is_begun:
            self._is_begun = True
            self._begin(epoch)
        if self._training is None:
            return super().epoch(epoch, start)
        halves, table = self._training
        forward = partial(self._rest, halves.rest)
        if table is not None:
            if table.is_begun and len(table.missing):
                self._complete(halves, table)
            if not len(table.missing):
                return forward, _taken(self._task.batches, table, epoch, start)
        return forward, self._filling(halves, table, epoch, start)

    def answers(self) -> Iterator[tuple[Tensor, Tensor]]:
        """As above; the features of the first time are kept."""
        torch.set_num_threads(self._task.machine.threads)
        if self._validation is None:
            yield from super().answers()
            return
        task, (halves, kept) = self._task, self._validation
        seen = []
        for features, labels in kept or self._validated(halves):
            with task.machine.autocast():
                logits = halves.rest(features)
            yield logits, labels
            seen.append((features, labels))
        self._validation = halves, seen

    def _begin(self, epoch: int) -> None:
        """Cut the network in two, and make room for what passes between, if there is enough."""
        task, model = self._task, self._state.model
        judged = self._state.evaluated_model
        judged = judged.module if isinstance(judged, AveragedModel) else judged
        [pictures] = task.batches.pictures([torch.zeros(2, dtype=torch.int64)])
        try:
            training, between = self._cut(model, pictures)
            validation, seen = self._cut(judged.eval(), pictures)
        except ValueError as error:
            _not_kept(task, self._state, str(error))
            return
        finally:
            freezing.prepare(model, task.experiment.model.freeze, epoch)
        rows = len(task.dataset.train) * (task.batches.views or 1)
        wanted = rows * _size(between) + len(task.dataset.val) * _size(seen)
        free = task.machine.free_memory()
        self._is_light = _is_light(training.rest, between, task.experiment.training.batch_size)
        if wanted > SHARE * free:
            room = f"{wanted / MB:,.0f} MB, more than a quarter of the {free / MB:,.0f} MB free"
            _not_kept(task, self._state, f"they would take {room}")
            self._training = training, None
            return
        self._training, self._validation = (training, Table(rows, between)), (validation, [])
        self._state.features = {"kept": True, "bytes": wanted}
        task.say(f"features of what is frozen are computed once and kept: {wanted / MB:,.1f} MB")

    def _cut(self, model: nn.Module, pictures: Tensor) -> tuple[Halves, tuple[Tensor, ...]]:
        """The halves of `model`, and what passes between them for `pictures`."""
        with self._task.machine.autocast():
            halves = split(model, pictures)
        return halves, self._features(halves, pictures)

    def _rest(self, rest: nn.Module, features: Inputs) -> Tensor:
        """Go on from `features`: on one thread, gradients and optimizer too, if that is light."""
        if self._is_light:
            torch.set_num_threads(1)
        logits: Tensor = rest(features)
        return logits

    def _filling(self, halves: Halves, table: Table | None, epoch: int, start: int) -> Course:
        """The batches as they are without us, and what comes of them kept if there is room."""
        batches = self._task.batches
        pairs = zip(batches.rows(epoch, start), batches.epoch(epoch, start), strict=True)
        for (rows, _), (pictures, labels) in pairs:
            features = self._features(halves, pictures)
            if table is not None:
                table.put(rows, features)
            yield features, labels
            torch.set_num_threads(self._task.machine.threads)

    def _complete(self, halves: Halves, table: Table) -> None:
        """Fill in what no batch has shown: left out as the last of an epoch, or never mirrored."""
        task, size = self._task, self._task.experiment.training.batch_size
        parts = table.missing.split(size)
        plan = [torch.cat([part, part[:1].expand(size - len(part))]) for part in parts]
        for part, pictures in zip(parts, task.batches.pictures(plan), strict=True):
            if task.stop():  # after the next step; until then we do without
                return
            features = self._features(halves, pictures)
            table.put(part, tuple(one[: len(part)] for one in features))

    def _validated(self, halves: Halves) -> Course:
        for batch in eval_batches(self._task.validation):
            yield self._features(halves, batch.images), batch.labels

    def _features(self, halves: Halves, pictures: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad(), self._task.machine.autocast():
            features: tuple[Tensor, ...] = halves.settled(pictures)
        return features


def _size(features: tuple[Tensor, ...]) -> int:
    """Bytes of one row."""
    return sum(one[0].nbytes for one in features)


def _is_light(rest: nn.Module, between: tuple[Tensor, ...], batch_size: int) -> bool:
    """Whether `rest` is linear layers alone, and small ones, of one row for each picture."""
    layers = [one for one in rest.modules() if any(True for _ in one.parameters(recurse=False))]
    weights = sum(one.numel() for one in rest.parameters())
    is_linear = all(one.ndim == 2 for one in between) and all(
        type(one) is nn.Linear for one in layers
    )
    return is_linear and 2 * batch_size * weights <= LIGHT


def _taken(batches: TrainBatches, table: Table, epoch: int, start: int) -> Course:
    for rows, labels in batches.rows(epoch, start):
        yield table.take(rows), labels


def courses(task: Task, state: State) -> Whole:
    """What the run's epochs consist of: `Kept` where that saves work and can be done."""
    spec = task.experiment
    freeze, views = spec.model.freeze, task.batches.views
    epochs = spec.training.epochs  # of a run cut short too: it is a prefix of the long one
    until = min(epochs, freeze.until_epoch) if isinstance(freeze, UntilEpoch) else epochs
    if freeze is False or spec.training.cache_features is False or until < 2:
        return Whole(task, state)
    if views is None:
        return _not_kept(task, state, "data.augment makes too many of a picture")
    if spec.training.mixup_alpha:
        return _not_kept(task, state, "training.mixup_alpha blends pictures")
    if spec.training.compile:
        return _not_kept(task, state, "training.compile takes the network whole")
    if until <= views:
        return Whole(task, state)
    return Kept(task, state, until)


def _not_kept(task: Task, state: State, why: str) -> Whole:
    task.say(f"features of what is frozen are computed anew in each epoch: {why}")
    state.features = {"kept": False, "why": why}
    return Whole(task, state)
