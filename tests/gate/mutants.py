"""Bugs as people make them, one at a time, planted in the code that trains.

Each is a context in which the bug is there; its docstring says what was done wrong.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from tracker import runner
from tracker.data import augment, batches, seeding
from tracker.data.augment import AUGMENTATIONS, Recipe
from tracker.data.batches import Batch, Loader, TrainBatches
from tracker.models import freezing
from tracker.models.small import Residual
from tracker.models.squeeze import Gate
from tracker.training import evaluate, loop, machine, state
from tracker.training.laid_out import LaidOut
from tracker.training.meter import Meter
from tracker.training.state import State

Context = AbstractContextManager[Any]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def of(module: Any, name: str) -> Any:
    """What `module` calls by `name`, whoever made it."""
    return getattr(module, name)


class Mutant(NamedTuple):
    """What was done wrong, in which of the study's specs it can show, and how to plant it."""

    words: str
    spec: str
    plant: Callable[[], Context]


MUTANTS: dict[str, Mutant] = {}


def mutant(spec: str = "study") -> Callable[[Callable[[], Context]], Callable[[], Context]]:
    """Enter a function that plants a bug, under its own name."""

    def enter(plant: Callable[[], Context]) -> Callable[[], Context]:
        MUTANTS[plant.__name__] = Mutant((plant.__doc__ or "").rstrip("."), spec, plant)
        return plant

    return enter


def rates(change: Callable[[Callable[[int], float], int], Callable[[int], float]]) -> Context:
    real = of(runner, "learning_rates")

    def changed(schedule: Any, peak: float, steps: int, epochs: int) -> Callable[[int], float]:
        return change(real(schedule, peak, steps, epochs), steps)

    return patch.object(runner, "learning_rates", changed)


@mutant()
def lr_ten_times() -> Context:
    """Learning rate ten times too high."""
    return rates(lambda rate, _: lambda step: 10 * rate(step))


@mutant()
def lr_a_tenth_off() -> Context:
    """Learning rate 10 % too low."""
    return rates(lambda rate, _: lambda step: 0.9 * rate(step))


@mutant()
def schedule_off_by_one() -> Context:
    """Schedule one step ahead."""
    return rates(lambda rate, _: lambda step: rate(step + 1))


@mutant()
def schedule_by_epoch() -> Context:
    """Schedule advanced once per epoch, not per step."""
    return rates(lambda rate, steps: lambda step: rate(step // steps * steps))


@mutant()
def no_warmup() -> Context:
    """Warm-up left out."""
    real = of(runner, "learning_rates")
    return patch.object(
        runner,
        "learning_rates",
        lambda schedule, *rest: real(replace(schedule, warmup_epochs=0.0), *rest),
    )


def optimizer(**changes: Any) -> Context:
    real = of(state, "build_optimizer")
    return patch.object(
        state, "build_optimizer", lambda spec, weights: real(replace(spec, **changes), weights)
    )


@mutant()
def no_momentum() -> Context:
    """Momentum not passed on."""
    return optimizer(momentum=0.0, nesterov=False)


@mutant()
def no_nesterov() -> Context:
    """Nesterov not passed on."""
    return optimizer(nesterov=False)


@mutant()
def no_weight_decay() -> Context:
    """Weight decay not passed on."""
    return optimizer(weight_decay=0.0)


@mutant("study_adamw")
def adam_for_adamw() -> Context:
    """Adam in place of AdamW."""
    return optimizer(name="adam")


@mutant("study_adamw")
def second_beta() -> Context:
    """beta2 0.99 in place of 0.999."""
    return optimizer(betas=(0.9, 0.99))


@mutant()
def no_zero_grad() -> Context:
    """Gradients never set to zero."""
    return patch.object(LaidOut, "zero_grad", lambda _: None)


@mutant()
def every_other_step() -> Context:
    """Optimizer stepped only every other time."""
    real, calls = torch.optim.SGD.step, [0]

    def step(self: torch.optim.SGD) -> None:
        calls[0] += 1
        if calls[0] % 2:
            real(self)

    return patch.object(torch.optim.SGD, "step", step)


@mutant("study_adamw")
def no_clipping() -> Context:
    """Gradients measured and not clipped."""
    return patch.object(
        nn.utils,
        "clip_grad_norm_",
        lambda weights, _: nn.utils.get_total_norm([w.grad for w in weights if w.grad is not None]),
    )


@mutant("study_adamw")
def average_not_used() -> Context:
    """Averaged weights kept, the others evaluated."""
    return patch.object(State, "evaluated_model", property(lambda self: self.model))


@mutant("study_adamw")
def average_not_updated() -> Context:
    """Averaged weights never updated."""
    return patch.object(AveragedModel, "update_parameters", lambda *_: None)


def loss(change: Callable[..., tuple[Tensor, Tensor, Tensor]]) -> Context:
    real = of(loop, "forward_loss")

    def changed(model: Any, images: Tensor, labels: Tensor, **how: Any) -> Any:
        return change(real, model, images, labels, how)

    return patch.object(loop, "forward_loss", changed)


@mutant()
def loss_summed() -> Context:
    """Loss summed over the batch, not averaged."""

    def change(real: Any, model: Any, images: Tensor, labels: Tensor, how: Any) -> Any:
        found, logits, against = real(model, images, labels, **how)
        return found * len(labels), logits, against

    return loss(change)


@mutant()
def softmax_twice() -> Context:
    """Softmax before the cross-entropy, which has its own."""
    return loss(
        lambda real, model, images, labels, how: real(
            lambda pictures: model(pictures).softmax(1), images, labels, **how
        )
    )


@mutant()
def no_smoothing() -> Context:
    """Label smoothing not passed on."""
    return loss(
        lambda real, model, images, labels, how: real(
            model, images, labels, **{**how, "smoothing": 0.0}
        )
    )


@mutant("study_adamw")
def mixup_of_pictures_alone() -> Context:
    """Mixup blends the pictures and forgets the labels."""

    def change(real: Any, model: Any, images: Tensor, labels: Tensor, how: Any) -> Any:
        share = random.Random(seeding.fold(how["seed"], 1)).betavariate(0.4, 0.4)
        mixed = share * images + (1 - share) * images.roll(1, 0)
        return real(model, mixed, labels, **{**how, "mixup_alpha": 0.0})

    return loss(change)


@mutant()
def no_shuffle() -> Context:
    """Pictures never shuffled."""
    return patch.object(seeding, "permutation", lambda _, count: torch.arange(count))


@mutant()
def shuffled_once() -> Context:
    """The same order in every epoch."""
    real = TrainBatches.epoch

    def epoch(self: TrainBatches, _: int, start: int = 0) -> Iterator[Batch]:
        return real(self, 0, start)

    return patch.object(TrainBatches, "epoch", epoch)


@mutant()
def no_augmentation() -> Context:
    """Augmentation left out."""
    return patch.object(batches, "augment", lambda images, *_: images)


@mutant()
def one_augmentation() -> Context:
    """Augmentation the same for every batch."""
    real = of(batches, "augment")
    return patch.object(batches, "augment", lambda images, recipe, _: real(images, recipe, 0))


@mutant()
def flipped_upside_down() -> Context:
    """Pictures flipped upside down instead of left to right."""
    number, _ = AUGMENTATIONS["horizontal_flip"]

    def flip(images: Tensor, _: Recipe, seed: int) -> Tensor:
        flipped = augment._draws(images, seed, 1)[:, 0] < 0.5
        return torch.where(flipped.view(-1, 1, 1, 1), images.flip(2), images)

    return patch.dict(AUGMENTATIONS, {"horizontal_flip": (number, flip)})


def evaluation_batches(
    change: Callable[[Loader, Tensor], Tensor], keep_last: bool = True
) -> Context:
    def changed(loader: Loader) -> Iterator[Batch]:
        plan = torch.split(torch.arange(len(loader.split)), loader.batch_size)
        plan = plan if keep_last else plan[:-1]
        for images, labels in loader.pictures(plan):
            yield Batch(change(loader, images), labels)

    return patch.object(evaluate, "eval_batches", changed)


@mutant()
def augmented_evaluation() -> Context:
    """Validation pictures augmented too."""
    recipe = Recipe(("random_crop", "horizontal_flip"))
    real = augment.augment
    return evaluation_batches(lambda loader, images: loader.normalise(real(images, recipe, 0)))


@mutant()
def last_batch_dropped() -> Context:
    """Last validation batch, which is not full, dropped."""
    return evaluation_batches(lambda loader, images: loader.normalise(images), keep_last=False)


@mutant()
def evaluation_not_normalised() -> Context:
    """Validation pictures only scaled to 0..1, training pictures normalised."""
    return evaluation_batches(lambda _, images: images.float() / 255)


@mutant()
def means_of_batches() -> Context:
    """Validation loss the mean of batch means, the short batch counting as much as the others."""
    real = of(loop, "evaluate")

    def changed(*arguments: Any) -> Any:
        result = real(*arguments)
        losses = -result.scores[torch.arange(len(result.labels)), result.labels].log()
        means = [part.mean() for part in losses.split(32)]
        return replace(result, loss=torch.stack(means).mean().item())

    return patch.object(loop, "evaluate", changed)


def normalised(change: Callable[[Any, Any], tuple[Any, Any]]) -> Context:
    real = of(batches, "normalise")
    return patch.object(
        batches,
        "normalise",
        lambda images, mean, std, **how: real(images, *change(mean, std), **how),
    )


@mutant()
def mean_not_taken_off() -> Context:
    """Normalisation without the mean."""
    return normalised(lambda _, std: ((0.0, 0.0, 0.0), std))


@mutant()
def normalised_as_imagenet() -> Context:
    """Normalisation with ImageNet's mean and deviation."""
    return normalised(lambda *_: IMAGENET)


@mutant()
def channels_swapped() -> Context:
    """Training pictures blue first, validation pictures red first."""
    return training_batches(lambda batch: Batch(batch.images.flip(1), batch.labels))


@mutant()
def label_noise() -> Context:
    """One training label in twenty wrong."""

    def spoil(batch: Batch) -> Batch:
        labels = batch.labels.clone()
        labels[::20] = (labels[::20] + 1) % 10
        return Batch(batch.images, labels)

    return training_batches(spoil)


@mutant()
def labels_shifted() -> Context:
    """Labels of a batch off by one picture."""
    return training_batches(lambda batch: Batch(batch.images, batch.labels.roll(1)))


def training_batches(change: Callable[[Batch], Batch]) -> Context:
    real = TrainBatches.epoch

    def epoch(self: TrainBatches, epoch: int, start: int = 0) -> Iterator[Batch]:
        return map(change, real(self, epoch, start))

    return patch.object(TrainBatches, "epoch", epoch)


def before_each_epoch(change: Callable[[nn.Module, int], object]) -> Context:
    real = of(freezing, "prepare")

    def prepare(model: nn.Module, freeze: Any, epoch: int) -> None:
        real(model, freeze, epoch)
        change(model, epoch)

    return patch.object(freezing, "prepare", prepare)


@mutant()
def trained_in_eval_mode() -> Context:
    """Training in evaluation mode."""
    return before_each_epoch(lambda model, _: model.eval())


@mutant()
def eval_mode_left_on() -> Context:
    """Training mode not put back after the first evaluation."""
    return before_each_epoch(lambda model, epoch: model.train(epoch == 0))


@mutant()
def evaluated_in_training_mode() -> Context:
    """Evaluation in training mode."""
    return patch.object(nn.Module, "eval", lambda self: self)


def network(change: Callable[[nn.Module], object]) -> Context:
    real = of(runner, "build_model")

    def build(*arguments: Any, **how: Any) -> nn.Module:
        model: nn.Module = real(*arguments, **how)
        change(model)
        return model

    return patch.object(runner, "build_model", build)


def norms(model: nn.Module, **values: float) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for name, value in values.items():
                setattr(module, name, value)


@mutant()
def norm_momentum() -> Context:
    """Momentum of the batch norms 0.01 in place of 0.1."""
    return network(lambda model: norms(model, momentum=0.01))


@mutant()
def norm_epsilon() -> Context:
    """Epsilon of the batch norms 1e-3 in place of 1e-5."""
    return network(lambda model: norms(model, eps=1e-3))


@mutant()
def first_layer_frozen() -> Context:
    """First layer does not learn."""
    return before_each_epoch(lambda model, _: next(model.parameters()).requires_grad_(False))


@mutant()
def other_initial_weights() -> Context:
    """Convolutions start from another distribution."""

    def change(model: nn.Module) -> None:
        generator = torch.Generator().manual_seed(0)
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, generator=generator)

    return network(change)


@mutant()
def seed_of_the_network_ignored() -> Context:
    """Initial weights those of seed 0 whatever the seed."""
    real = of(runner, "build_model")
    return patch.object(
        runner, "build_model", lambda *arguments, **how: real(*arguments, **{**how, "seed": 0})
    )


@mutant()
def gate_left_out() -> Context:
    """Squeeze-and-excitation's scale computed and not applied."""
    real = Gate.forward

    def forward(self: Gate, images: Tensor) -> Tensor:
        out: Tensor = images + 0 * real(self, images)
        return out

    return patch.object(Gate, "forward", forward)


@mutant()
def shortcut_left_out() -> Context:
    """Residual blocks without their shortcut."""
    real = Residual.forward

    def forward(self: Residual, images: Tensor) -> Tensor:
        out: Tensor = real(self, images)
        return out - images

    return patch.object(Residual, "forward", forward)


@mutant()
def activation_forgotten() -> Context:
    """Last residual block's first convolution without its ReLU."""
    return network(lambda model: setattr(model.res3.conv1, "relu", nn.Identity()))  # type: ignore[union-attr]


def task(**changes: Callable[[Any], Any]) -> Context:
    real = of(runner, "assemble")

    def assemble(*arguments: Any) -> Any:
        made = real(*arguments)
        return replace(made, **{key: change(made) for key, change in changes.items()})

    return patch.object(runner, "assemble", assemble)


@mutant()
def validated_on_training_pictures() -> Context:
    """Validation on the training pictures."""
    return task(validation=lambda made: made.batches._loader)


@mutant()
def one_step_short() -> Context:
    """One optimizer step too few."""
    return task(total_steps=lambda made: made.total_steps - 1)


@mutant()
def other_precision() -> Context:
    """bfloat16 where float32 was asked for."""
    real = of(machine, "choose")
    return patch.object(
        machine, "choose", lambda *arguments: replace(real(*arguments), precision="bfloat16")
    )


@mutant()
def slow_input() -> Context:
    """Each batch waits 30 ms for its pictures."""

    def wait(batch: Batch) -> Batch:
        time.sleep(0.03)
        return batch

    return training_batches(wait)


@mutant()
def graphs_kept() -> Context:
    """Losses kept with their graphs, so memory grows with every step."""
    real, kept = Meter.add, []

    def add(self: Meter, found: Tensor, logits: Tensor, labels: Tensor) -> None:
        kept.append((found, logits))
        real(self, found, logits, labels)

    return patch.object(Meter, "add", add)
