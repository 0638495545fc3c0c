"""What a run is made of, and all that it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tracker import tags
from tracker.data.batches import Loader, TrainBatches
from tracker.data.dataset import Dataset
from tracker.models import freezing
from tracker.models.cost import Cost
from tracker.models.expected import Expected
from tracker.record.tensorboard import RunWriter
from tracker.spec.experiment import Experiment
from tracker.store.active import ActiveRun
from tracker.training.checkpoint import Saver
from tracker.training.evaluate import Evaluation
from tracker.training.laid_out import LaidOut
from tracker.training.live import Live, StopFlag
from tracker.training.machine import Machine
from tracker.training.meter import Meter
from tracker.training.optim import build_optimizer, groups
from tracker.training.scores import Patience, Scores


@dataclass
class State:
    """All that a run changes while it trains; saved and loaded whole."""

    model: nn.Module
    optimizer: LaidOut
    average: AveragedModel | None
    meter: Meter
    scores: Scores
    patience: Patience | None
    step: int = 0
    evaluated: int = 0  # the step of the last evaluation
    saved: int = 0  # the step of the last checkpoint
    ending: str = ""  # why training ended before its last step
    judged: tuple[Evaluation, Tensor | None] | None = None  # last, and some features; not saved
    features: Mapping[str, Any] | None = None  # of what is frozen: whether kept; not saved

    def state_dict(self) -> dict[str, Any]:
        """Return everything a later process needs, in types `weights_only` loading admits."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "meter": self.meter.state_dict(),
            "scores": self.scores.to_document(),
            "patience": [self.patience.best, self.patience.waited] if self.patience else None,
            "step": self.step,
            "evaluated": self.evaluated,
            "ending": self.ending,
            "rng": torch.get_rng_state(),
            "rng_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take up where `state_dict` left off, the global random generators included."""
        self.model.load_state_dict(saved["model"])
        own, before = self.optimizer.state_dict(), saved["optimizer"]
        # Settings are the experiment's; only the learning rate goes with the step.
        pairs = zip(own["param_groups"], before["param_groups"], strict=True)
        settled = [{**group, "lr": old["lr"]} for group, old in pairs]
        self.optimizer.load_state_dict({**before, "param_groups": settled})
        if self.average:
            self.average.load_state_dict(saved["average"])
        self.meter.load_state_dict(saved["meter"], next(self.model.parameters()).device)
        self.scores.restore(saved["scores"])
        if self.patience:
            self.patience.best, self.patience.waited = saved["patience"]
        self.step = self.saved = saved["step"]
        self.evaluated, self.ending = saved["evaluated"], saved["ending"]
        torch.set_rng_state(saved["rng"])
        if torch.cuda.is_available() and saved["rng_cuda"]:
            torch.cuda.set_rng_state_all(saved["rng_cuda"][: torch.cuda.device_count()])

    @property
    def evaluated_model(self) -> nn.Module:
        """The weights a run is judged by: the moving average where there is one."""
        return self.average or self.model


@dataclass(frozen=True)
class Task:
    """What a run is made of. `say` takes one line for a person and for the run's log."""

    experiment: Experiment
    dataset: Dataset
    expected: Expected  # of pictures, by the network
    weights: Mapping[str, Any] | None  # which training began with; None: random ones
    machine: Machine
    cost: Cost
    run: ActiveRun
    saver: Saver
    writer: RunWriter
    live: Live
    stop: StopFlag
    say: Callable[[str], None]
    batches: TrainBatches
    validation: Loader
    learning_rate: Callable[[int], float]  # of a step, counted from 0
    total_steps: int
    system: Callable[[], dict[str, float]]  # what the run takes of the machine, by tag


def begin(task: Task, model: nn.Module) -> State:
    """Return the state before the first step: `model` on its device, a fresh optimizer."""
    spec = task.experiment
    model = task.machine.place(model, compiled=spec.training.compile)
    freezing.prepare(model, spec.model.freeze, 0)
    decay = spec.training.ema_decay
    stopping = spec.training.early_stopping
    parameters = groups(model, spec.optimizer, spec.model.freeze)
    average = None
    if decay is not None:
        average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    return State(
        model=model,
        optimizer=LaidOut(partial(build_optimizer, spec.optimizer), parameters),
        average=average,
        meter=Meter(),
        scores=Scores(tags.GOALS),
        patience=Patience(stopping) if stopping else None,
    )
