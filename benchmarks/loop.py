"""What does our loop cost a step? Beside a bare PyTorch loop written for the purpose.

    python -m benchmarks.loop [--backbone NAME] [--steps N] [--batch-size B] [--json FILE]

One process, one thread, by turns: `tracker` is a run with default logging, an epoch of it without
the evaluation; `bare` the leanest plain loop: the same network, batches and fused optimizer, a
loss that stays a tensor, no metric, no check, nothing written. Its `zero_grad`, as everybody calls
it, keeps a record for the profiler, which ours does without: some 10 µs in our favour. Lightning,
accelerate and fastai take their turn where they are installed, their own logging, bars and
checkpoints off, over the same batches, network and optimizer. The backbone `tiny` is one linear
layer, so that hardly anything but the loop is left. Told is processor time for each step, which
other people's work on the machine disturbs less than the clock; what is over the bare loop is the
median over the rounds.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.measure import Row, is_installed, machine, middle, parser, report
from tracker import runner
from tracker.data.augment import Recipe
from tracker.data.batches import Loader, TrainBatches
from tracker.data.build import build as build_data
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.models.build import build as build_model
from tracker.spec.experiment import Experiment
from tracker.spec.load import from_document
from tracker.training import loop
from tracker.training.optim import build_optimizer, groups
from tracker.training.small_maps import as_products

Build: TypeAlias = Callable[..., nn.Module]


def document_of(backbone: str, steps: int, batch_size: int) -> dict[str, Any]:
    """Two epochs: libraries load and memory is touched in the first."""
    return {
        "name": "loop",
        "data": {"name": "shapes", "train_size": steps * batch_size, "val_size": 10},
        "model": {"backbone": backbone},
        "schedule": {"name": "constant"},
        "training": {
            "epochs": 2,
            "batch_size": batch_size,
            "device": "cpu",
            "threads": 1,
            "precision": "float32",
            "channels_last": False,
        },
    }


def tiny(*_: Any, num_classes: int, **__: Any) -> nn.Module:
    """Less of a network than any spec can ask for."""
    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(48, num_classes))


class Parts:
    """What every loop is made of, built anew for each."""

    def __init__(self, experiment: Experiment, build: Build) -> None:
        dataset = build_data(experiment.data, log=lambda _: None)
        loader = Loader(
            dataset.train,
            experiment.training.batch_size,
            mean=dataset.mean,
            std=dataset.std,
            device=torch.device("cpu"),
        )
        recipe = Recipe.of(experiment.data, dataset.mean)
        self.batches = TrainBatches(loader, recipe, seed=0)
        self.model = build(
            experiment.model,
            num_classes=len(dataset.classes),
            seed=0,
            image_size=dataset.image_size,
        )
        as_products(self.model)  # as a run does, for it is the loop that is measured
        self.optimizer = build_optimizer(
            experiment.optimizer, groups(self.model, experiment.optimizer, freeze=False)
        )

    def timed(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch, timed until the last has been trained on.

        Of who does not ask whether there is one more, as Lightning, the last step is not counted.
        """
        begin = time.thread_time()
        for batch in self.batches.epoch(1):
            yield batch
            self.seconds = time.thread_time() - begin


def tracker(experiment: Experiment, build: Build) -> float:
    """Seconds of the second epoch of a run."""
    seconds, train_epoch = [0.0], loop._train_epoch

    def timed(*arguments: Any) -> None:
        begin = time.thread_time()
        train_epoch(*arguments)
        seconds[0] = time.thread_time() - begin

    with (
        TemporaryDirectory() as directory,
        patch.object(loop, "_train_epoch", timed),
        patch.object(runner, "build_model", build),
    ):
        spec, root = Path(directory) / "loop.json", Path(directory) / "runs"
        model = experiment.model
        steps = experiment.data.train_size or 0
        size = experiment.training.batch_size
        spec.write_text(json.dumps(document_of(model.backbone, steps // size, size)))
        jobs = choose(jobs_of(spec, root), "refuse")
        [outcome] = here.execute(jobs, root=root, argv=[], watch=lambda _: None, say=lambda _: None)
        if outcome.failure:
            raise RuntimeError(outcome.failure)
    return seconds[0]


def bare(experiment: Experiment, build: Build) -> float:
    """As PyTorch's tutorials write it, and no more."""
    parts = Parts(experiment, build)
    model, optimizer = parts.model, parts.optimizer
    model.train()
    for batches in (parts.batches.epoch(0), parts.timed()):
        for images, labels in batches:
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    return parts.seconds


def accelerate(experiment: Experiment, build: Build) -> float:
    """The loop of its README."""
    parts = Parts(experiment, build)
    accelerator = import_module("accelerate").Accelerator(cpu=True)
    model, optimizer = accelerator.prepare(parts.model, parts.optimizer)
    model.train()
    for batches in (parts.batches.epoch(0), parts.timed()):
        for images, labels in batches:
            accelerator.backward(functional.cross_entropy(model(images), labels))
            optimizer.step()
            optimizer.zero_grad()
    return parts.seconds


class _Epochs:
    """Epochs, as many as are asked for, for those who want something to iterate over.

    The last one that was gone through is the one that was timed.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return len(self._parts.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        return map(tuple, self._parts.timed())  # fastai makes batches anew by their type


def lightning(experiment: Experiment, build: Build) -> float:
    """A module of three methods, and a Trainer with all extras off."""
    package = import_module("lightning.pytorch")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    parts = Parts(experiment, build)

    class Module(package.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.model: nn.Module = parts.model

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            return functional.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return parts.optimizer

    off = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package.Trainer(accelerator="cpu", max_epochs=2, **off).fit(Module(), _Epochs(parts))
    return parts.seconds


def fastai(experiment: Experiment, build: Build) -> float:
    """A Learner with its bar off."""
    package = import_module("fastai.learner")
    import_module("fastai.callback.progress")  # gives a Learner `no_bar`
    parts = Parts(experiment, build)
    learner = package.Learner(
        package.DataLoaders(_Epochs(parts), []),
        parts.model,
        loss_func=functional.cross_entropy,
        opt_func=lambda *_, **__: package.OptimWrapper(opt=parts.optimizer),
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit(2)
    return parts.seconds


PEERS: dict[str, Callable[[Experiment, Build], float]] = {
    "accelerate": accelerate,
    "lightning": lightning,
    "fastai": fastai,
}


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--backbone", default="tiny")
    arguments.add_argument("--steps", type=int, default=500, help="of an epoch")
    arguments.add_argument("--batch-size", type=int, default=16)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    build: Build = tiny if given.backbone == "tiny" else build_model
    backbone = "small_cnn" if given.backbone == "tiny" else given.backbone
    experiment = from_document(document_of(backbone, given.steps, given.batch_size))
    there = [name for name in PEERS if is_installed(name)]
    ways = {"bare": bare, "tracker": tracker, **{name: PEERS[name] for name in there}}
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(given.repeats):
        for way, train in ways.items():
            found[way].append(train(experiment, build) / given.steps)
    rows: list[Row] = []
    for way, seconds in found.items():
        pairs = list(zip(seconds, found["bare"], strict=True))
        rows.append(
            {
                "loop": way,
                **middle("µs a step", seconds, 1e6),
                "over bare, µs": 1e6 * median(one - other for one, other in pairs),
                "throughput": median(other / one for one, other in pairs),
            }
        )
    about = machine("torch", *there)
    title = f"{given.backbone}, {given.steps} steps of {given.batch_size} pictures, 1 thread"
    report(title, rows, about, given.json)
    for name in PEERS.keys() - set(there):
        print(f"{name} is not installed: not measured")


if __name__ == "__main__":
    main()
