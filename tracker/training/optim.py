"""Optimizers as torch builds them, and learning rates as pure functions of the step."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tracker.models.depth import distances
from tracker.models.freezing import frozen, never_trained
from tracker.spec.experiment import (
    Adam,
    Constant,
    Cosine,
    Freeze,
    MultiStep,
    OneCycle,
    Optimizer,
    Schedule,
    Sgd,
    Step,
)


def groups(model: nn.Module, spec: Optimizer, freeze: Freeze) -> list[dict[str, Any]]:
    """Return the parameters that are ever trained, those of one learning rate together.

    `scale` is a group's share of the learning rate of the step; the head's is 1. Without
    `backbone_lr`, `layer_decay` and `freeze` there is one group, in the model's order. What is only
    frozen until some epoch is there from the start, for without a gradient it is passed over; it
    has a group of its own, since fused SGD wants all momenta of a group or none.
    """
    still, later = never_trained(model, freeze), frozen(model, freeze, 0)
    away = distances(model) if spec.backbone_lr or spec.layer_decay else {}
    found: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if name not in still:
            key = _scale(spec, away.get(name, 0)), name in later
            found.setdefault(key, []).append(parameter)
    return [{"params": some, "scale": scale} for (scale, _), some in found.items()]


def _scale(spec: Optimizer, distance: int) -> float:
    backbone = (spec.backbone_lr or spec.lr) / spec.lr if distance else 1.0
    return float(backbone * (spec.layer_decay or 1.0) ** distance)


def build_optimizer(spec: Optimizer, parameters: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Return the torch optimizer `spec` names over `parameters`, as `groups` gives them, fused.

    Fused is one kernel for all parameters on CPU, CUDA and MPS: for resnet50 on four cores 5.5 ms
    a step against 7.3 (SGD), 7.9 against 19.2 (Adam).
    """
    match spec:
        case Sgd():
            return torch.optim.SGD(
                parameters,
                lr=spec.lr,
                momentum=spec.momentum,
                nesterov=spec.nesterov,
                weight_decay=spec.weight_decay,
                fused=True,
            )
        case Adam():
            kind = torch.optim.AdamW if spec.name == "adamw" else torch.optim.Adam
            return kind(
                parameters,
                lr=spec.lr,
                betas=spec.betas,
                eps=spec.eps,
                weight_decay=spec.weight_decay,
                fused=True,
            )


def learning_rates(
    schedule: Schedule, peak: float, steps_per_epoch: int, epochs: int
) -> Callable[[int], float]:
    """Return the learning rate of each step, counted from 0.

    A function of the step alone, so a resumed run needs no scheduler state. The curve spans
    `epochs` whole epochs whatever `training.max_steps` says: a run cut short is an exact prefix of
    the long one.
    """
    total = steps_per_epoch * epochs
    if isinstance(schedule, OneCycle):
        return lambda step: peak * _one_cycle(schedule, step, total)
    warmup = round(schedule.warmup_epochs * steps_per_epoch)

    def rate(step: int) -> float:
        if step < warmup:  # from peak / warmup, so that the first step already learns
            return peak * (step + 1) / warmup
        return _after_warmup(schedule, peak, step, warmup, steps_per_epoch, total)

    return rate


def _after_warmup(
    schedule: Constant | Step | MultiStep | Cosine,
    peak: float,
    step: int,
    warmup: int,
    steps_per_epoch: int,
    total: int,
) -> float:
    epoch = step // steps_per_epoch
    match schedule:
        case Constant():
            return peak
        case Step():
            return peak * schedule.gamma ** (epoch // schedule.step_epochs)
        case MultiStep():
            return peak * schedule.gamma ** bisect_right(sorted(schedule.milestones), epoch)
        case Cosine():
            done = (step - warmup) / max(1, total - warmup)
            return schedule.min_lr + (peak - schedule.min_lr) * _half_cosine(done)


def _one_cycle(schedule: OneCycle, step: int, total: int) -> float:
    """Return the share of the peak: half a cosine up to `peak_at`, half a cosine down after.

    The same curve as torch's OneCycleLR, whose peak lies at `peak_at` × total - 1.
    """
    top, last = schedule.peak_at * total - 1, total - 1
    if step < top:
        low, done = schedule.start_factor, 1 - step / top
    else:
        low, done = schedule.end_factor, (step - top) / (last - top)
    return low + (1 - low) * _half_cosine(done)


def _half_cosine(done: float) -> float:
    """1 at `done` = 0, 0 at `done` = 1."""
    return 0.5 * (1 + math.cos(math.pi * done))
