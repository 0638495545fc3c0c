"""Whether a saved state is one that this very run saved: looked into before anything is changed.

Bytes that are those of the manifest may still be another run's, or a stranger's. Loaded blindly
they would end the run halfway, its event files cut back already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tracker.errors import Damaged, printable
from tracker.models.build import OWN
from tracker.models.freezing import frozen
from tracker.models.zoo import NAMES
from tracker.spec.experiment import Experiment
from tracker.store.shape import COUNT, NONE, NUMBER, TEXT, Shape, fields
from tracker.training.meter import PENDING
from tracker.training.optim import build_optimizer, groups

_STATE: Shape = {
    "model": (dict,),
    "optimizer": (dict,),
    "average": (dict, NONE),
    "meter": (dict,),
    "scores": (dict,),
    "patience": (list, NONE),
    "step": COUNT,
    "evaluated": COUNT,
    "ending": TEXT,
    "rng": (Tensor,),
    "rng_cuda": (list,),
    "events": (dict,),
    "machine": (dict,),
}
_OPTIMIZER: Shape = {"state": (dict,), "param_groups": (list,)}
_METER: Shape = {
    "losses": (Tensor, NONE),
    "logits": (Tensor, NONE),
    "labels": (Tensor, NONE),
    "loss_sum": (Tensor, float),
    "right": (Tensor, int),
    "steps": COUNT,
    "images": COUNT,
    "seconds": NUMBER,
    "timed": (list,),
    "total_seconds": NUMBER,
}
_SCORE: Shape = {
    "goal": TEXT,
    "last": NUMBER,
    "last_step": COUNT,
    "best": (*NUMBER, NONE),
    "best_step": (int, NONE),
}
_MACHINE: Shape = {
    "device": TEXT,
    "precision": TEXT,
    "channels_last": (bool,),
    "threads": COUNT,
}


def check(
    saved: Mapping[str, Any], experiment: Experiment, model: nn.Module, classes: int, steps: int
) -> None:
    """Raise `Damaged`, in a few words, unless a run of `experiment` can go on from `saved`.

    `model` is the run's own, fresh and on the CPU, which tells `classes` apart; training takes
    `steps` at most. Nothing is changed.
    """
    state = fields(saved, _STATE, "the state")
    _require(0 < state["step"] <= steps, f"step: not within 1 and {steps}")
    _require(state["evaluated"] <= state["step"], "evaluated: after the step")
    weights = model.state_dict()
    _check_tensors(state["model"], weights, "model")
    asked = experiment.training
    _require((state["average"] is None) == (asked.ema_decay is None), "average: not as asked")
    if state["average"] is not None:
        averaged = {f"module.{name}": one for name, one in weights.items()}
        _check_tensors(state["average"], {"n_averaged": torch.tensor(0), **averaged}, "average")
    optimizer = fields(state["optimizer"], _OPTIMIZER, "optimizer")
    epoch = (state["step"] - 1) * asked.epochs // steps  # of the last step taken
    _check_optimizer(optimizer, experiment, model, epoch)
    _check_meter(fields(state["meter"], _METER, "meter"), classes)
    for tag, score in state["scores"].items():
        _check_score(score, f"scores.{printable(str(tag))}")
    _require(
        (state["patience"] is None) == (asked.early_stopping is None), "patience: not as asked"
    )
    if state["patience"] is not None:
        _check_row(state["patience"], "patience", may_lack=1)
    _check_generators(state["rng"], state["rng_cuda"])
    machine = fields(state["machine"], _MACHINE, "machine")
    _require(machine["precision"] in ("float32", "bfloat16"), "machine.precision: there is no such")
    _require(machine["threads"] > 0, "machine.threads: none")


def _check_tensors(found: Any, wanted: Mapping[str, Tensor], where: str) -> None:
    """Hold `found` to the names, shapes and types of `wanted`."""
    _require(isinstance(found, dict), f"{where}: not by name")
    for name, like in wanted.items():
        _require(_is_plain(found.get(name)), f"{where}.{name}: missing")
        is_, was = (f"{list(one.shape)} of {one.dtype}" for one in (like, found[name]))
        _require(was == is_, f"{where}.{name}: {was}, not {is_}")
    for name in found:
        _require(name in wanted, f"{where}.{printable(str(name))}: the network has none")


def _check_optimizer(
    saved: Mapping[str, Any], experiment: Experiment, model: nn.Module, epoch: int
) -> None:
    """Hold `saved`, of `epoch`, to what such an optimizer keeps of each weight."""
    asked = groups(model, experiment.optimizer, experiment.model.freeze)
    parameters = [one for group in asked for one in group["params"]]
    sample = nn.Parameter(torch.zeros(2, 3))
    sample.grad = torch.zeros(2, 3)
    like = build_optimizer(experiment.optimizer, [{"params": [sample], "scale": 1.0}])
    like.step()
    kept = {name: one for name, one in like.state[sample].items() if one is not None}
    # Every weight of our networks and torchvision's takes part in each step, so all have something
    # kept, or none: all but those frozen so far. In others may be some that nothing depends on.
    still = frozen(model, experiment.model.freeze, epoch)
    names = {id(one): name for name, one in model.named_parameters()}
    trained = {i for i, one in enumerate(parameters) if kept and names[id(one)] not in still}
    known = set(saved["state"])
    is_ours = experiment.model.backbone in {*OWN, *NAMES}
    fits = known == trained if is_ours else known <= trained
    _require(fits, "optimizer: of other weights")
    for number, tensors in saved["state"].items():
        where = f"optimizer.{number}"
        wanted = {
            name: parameters[number].detach() if one.shape == sample.shape else one
            for name, one in kept.items()
        }
        _check_tensors(tensors, wanted, where)
    found = saved["param_groups"]
    rates = [type(one) is dict and type(one.get("lr")) is float for one in found]
    _require(rates == [True] * len(asked), "optimizer: no learning rate")


def _check_meter(meter: Mapping[str, Any], classes: int) -> None:
    _check_row(meter["timed"], "meter.timed")
    for name, kind in (("loss_sum", torch.float32), ("right", torch.int64)):
        one = meter[name]
        fine = _is_plain(one) and (one.ndim, one.dtype) == (0, kind)
        _require(fine or not isinstance(one, Tensor), f"meter.{name}: no number")
    steps, images = meter["steps"], meter["images"]
    _require((steps > 0) == (images > 0), "meter: steps without pictures, or pictures without")
    losses, logits, labels = (meter[name] for name in ("losses", "logits", "labels"))
    if losses is None and logits is None and labels is None:
        return
    _require(all(map(_is_plain, (losses, logits, labels))), "meter: half of it missing")
    _require(losses.ndim == 1 and 0 < len(losses) <= min(PENDING, steps), "meter.losses: too many")
    _require(labels.ndim == 1 and 0 < len(labels) <= images, "meter.labels: too many")
    _require(logits.shape == (len(labels), classes), "meter.logits: of another shape")
    floats = losses.is_floating_point() and logits.is_floating_point()
    _require(floats and labels.dtype == torch.int64, "meter: of other types")


def _check_score(saved: Any, where: str) -> None:
    score = fields(saved, _SCORE, where)
    _require(score["goal"] in ("max", "min"), f"{where}: no goal")
    _require((score["best"] is None) == (score["best_step"] is None), f"{where}: half a best")
    _require(saved.keys() <= {*_SCORE, "improvements"}, f"{where}: more than its fields")
    improvements = saved.get("improvements", [])
    _require(isinstance(improvements, list), f"{where}.improvements: no list")
    for one in improvements:
        _check_row(one, f"{where}.improvements", length=3)


def _check_row(found: Any, where: str, *, length: int = 2, may_lack: int = 0) -> None:
    """Hold `found` to a list of so many numbers; the first `may_lack` may be None."""
    _require(isinstance(found, list) and len(found) == length, f"{where}: not {length} numbers")
    for place, one in enumerate(found):
        fine = type(one) in NUMBER or (one is None and place < may_lack)
        _require(fine, f"{where}: no number")


def _check_generators(rng: Tensor, on_gpus: list[Any]) -> None:
    try:
        torch.Generator().set_state(rng)
    except (RuntimeError, TypeError) as error:
        raise Damaged(f"rng: {error}") from error
    for one in on_gpus:
        fine = _is_plain(one) and (one.ndim, one.dtype) == (1, torch.uint8)
        _require(fine, "rng_cuda: no state of a generator")


def _is_plain(one: Any) -> bool:
    """Whether `one` is a tensor with its numbers, all of them, in memory."""
    return type(one) is Tensor and one.layout == torch.strided and one.device.type == "cpu"


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise Damaged(fault)
