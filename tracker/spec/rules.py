"""What one field may be given another: rules between fields, which a schema can't state.

Each rule is told apart from the checking of single fields so that it can be read alone. A rule
whose fields are themselves wrong says nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from tracker.spec.node import INVALID
from tracker.spec.words import listed, show

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_PICTURES = {"cifar10": (5_000, 10)}  # training pictures of a class, and classes
_SIDE = 32  # pixels, of every data set that has no image_size


class Finding(NamedTuple):
    """What is wrong with the field at the dotted `path`, given the field at `other`."""

    path: str
    wrong: str
    other: str


class _Unknown(Exception):  # control flow of `broken`, not an error
    """A rule asked for a field that is wrong or that its variant hasn't."""


class Filled:
    """A checked document: `filled("training.epochs")` is that field's value."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def __call__(self, path: str) -> Any:
        """The value at a dotted path. Leaves the rule where there is none or it is wrong."""
        value: Any = self.document
        for part in path.split("."):
            if not isinstance(value, dict) or part not in value:
                raise _Unknown
            value = value[part]
        if value is INVALID:
            raise _Unknown
        return value


Rule: TypeAlias = Callable[[Filled], Iterator[Finding]]


def broken(document: dict[str, Any]) -> list[Finding]:
    """Every rule that a filled-in document breaks."""
    return [finding for rule in RULES for finding in _findings(rule, Filled(document))]


def _findings(rule: Rule, the: Filled) -> list[Finding]:
    try:
        return list(rule(the))
    except _Unknown:
        return []


def _name_is_a_directory_everywhere(the: Filled) -> Iterator[Finding]:
    for path in ("name", "variant"):
        name = the(path) or ""
        if _RESERVED.fullmatch(name):
            yield Finding(path, f"{show(name)} is a name that Windows reserves for a device", path)
        if name.endswith("."):
            yield Finding(path, f"{show(name)} ends in '.', which Windows drops", path)


def _batch_fits_the_data(the: Filled) -> Iterator[Finding]:
    source, size, batch = "data.train_size", the("data.train_size"), the("training.batch_size")
    of_a_class, number = _PICTURES.get(the("data.name"), (math.inf, 1))
    classes = the("data.classes")
    held = of_a_class * (len(classes) if classes else number)
    if size is None or size > held:
        source, size = "data.classes" if classes else "data.name", held
    if batch > size:
        said = listed(the(source)) if source == "data.classes" else the(source)
        wrong = f"is {batch}, and {source} is {said}: more than the {size} pictures there"
        yield Finding("training.batch_size", wrong, source)


def _warmup_is_shorter(the: Filled) -> Iterator[Finding]:
    warmup, epochs = the("schedule.warmup_epochs"), the("training.epochs")
    if warmup >= epochs:
        wrong = f"is {warmup:g}, and training.epochs is {epochs}: it must be shorter"
        yield Finding("schedule.warmup_epochs", wrong, "training.epochs")


def _step_is_reached(the: Filled) -> Iterator[Finding]:
    step, epochs = the("schedule.step_epochs"), the("training.epochs")
    if step >= epochs:
        wrong = f"is {step}, and training.epochs is {epochs}: it never drops"
        yield Finding("schedule.step_epochs", wrong, "training.epochs")


def _milestones_are_reached(the: Filled) -> Iterator[Finding]:
    milestones, epochs = the("schedule.milestones"), the("training.epochs")
    if milestones != sorted(set(milestones)):
        wrong = f"must rise, and are {listed([str(m) for m in milestones])}"
        yield Finding("schedule.milestones", wrong, "schedule.name")
    if max(milestones) >= epochs:
        wrong = f"hold {max(milestones)}, and training.epochs is {epochs}: it is never reached"
        yield Finding("schedule.milestones", wrong, "training.epochs")


def _lr_falls(the: Filled) -> Iterator[Finding]:
    lowest, lr = the("schedule.min_lr"), the("optimizer.lr")
    if lowest >= lr:
        wrong = f"is {lowest:g}, and optimizer.lr is {lr:g}: it must be lower"
        yield Finding("schedule.min_lr", wrong, "optimizer.lr")


def _nesterov_has_momentum(the: Filled) -> Iterator[Finding]:
    if the("optimizer.nesterov") and the("optimizer.momentum") == 0:
        wrong = "is true, and optimizer.momentum is 0: it needs a momentum"
        yield Finding("optimizer.nesterov", wrong, "optimizer.momentum")


def _augmentation_fits_the_picture(the: Filled) -> Iterator[Finding]:
    source = "data.image_size" if the("data.name") == "image_folder" else "data.name"
    side = the(source) if source == "data.image_size" else _SIDE
    if side is None:
        if the("model.weights") is not None:
            return  # what they were trained with, which nothing here knows
        side = _SIDE
    padding, square = the("data.crop_padding"), the("data.cutout_size")
    if "random_crop" in the("data.augment") and padding >= side:
        wrong = f"is {padding}, and pictures have a side of {side}: it must be less"
        yield Finding("data.crop_padding", wrong, source)
    if "cutout" in the("data.augment") and square > side:
        wrong = f"is {square}, and pictures have a side of {side}: it must fit"
        yield Finding("data.cutout_size", wrong, source)


def _square_fits_the_picture(the: Filled) -> Iterator[Finding]:
    resize, side = the("data.resize"), the("data.image_size")
    if resize is not None and side is None:
        yield Finding("data.resize", "goes with data.image_size, which is null", "data.image_size")
    elif resize is not None and resize < side:
        wrong = f"is {resize}, and data.image_size is {side}: no such square can be cut out"
        yield Finding("data.resize", wrong, "data.image_size")


def _normalised_by_both(the: Filled) -> Iterator[Finding]:
    for path, other in (("data.mean", "data.std"), ("data.std", "data.mean")):
        if the(path) is not None and the(other) is None:
            yield Finding(path, f"goes with {other}, which is null: give both or neither", other)


def _weights_come_from_one_place(the: Filled) -> Iterator[Finding]:
    weights = the("model.weights")
    if isinstance(weights, dict):
        given = [key for key in ("file", "run") if weights[key] is not None]
        if len(given) != 1:
            wrong = "takes either file or run" + (", not both" if given else ", and has neither")
            yield Finding("model.weights", wrong, "model.weights")
    if weights is None and the("model.fresh"):
        wrong = "names layers, and model.weights is null: all layers are fresh then"
        yield Finding("model.fresh", wrong, "model.weights")


def _caffe_had_bottlenecks(the: Filled) -> Iterator[Finding]:
    if the("model.layout") == "caffe" and the("model.backbone") in ("se_resnet18", "se_resnet34"):
        wrong = "is 'caffe', and {} has no bottleneck: only se_resnet50, 101 and 152 have"
        yield Finding("model.layout", wrong.format(the("model.backbone")), "model.backbone")


def _freeze_leaves_something_to_learn(the: Filled) -> Iterator[Finding]:
    freeze = the("model.freeze")
    if freeze is True:
        yield Finding(
            "model.freeze",
            "cannot be true; write 'backbone' to train the head alone",
            "model.freeze",
        )
    elif isinstance(freeze, str) and freeze != "backbone":
        wrong = f"unknown freeze {show(freeze)}; 'backbone', or a list of layers, [{show(freeze)}]"
        yield Finding("model.freeze", wrong, "model.freeze")
    elif isinstance(freeze, dict) and freeze["until_epoch"] >= the("training.epochs"):
        wrong = f"is {freeze['until_epoch']}, and training.epochs is {the('training.epochs')}: "
        wrong += "the backbone is never trained; write 'backbone' for that"
        yield Finding("model.freeze.until_epoch", wrong, "training.epochs")
    for path in ("optimizer.backbone_lr", "optimizer.layer_decay"):
        if freeze == "backbone" and the(path) is not None:
            wrong = "is given, and model.freeze is 'backbone': only the head learns"
            yield Finding(path, wrong, "model.freeze")


def _expectations_can_be_met(the: Filled) -> Iterator[Finding]:
    for tag, bounds in the("expect").items():
        if bounds in (None, INVALID) or INVALID in bounds.values():
            continue
        path = f"expect.{tag}"
        known = [key for key, value in bounds.items() if value is not None and key != "at_step"]
        if not known:
            allowed = listed([key for key in bounds if key != "at_step"], "or")
            yield Finding(path, f"holds no bound; it takes {allowed}", path)
        elif len(known) > 1 and "max" in known and bounds["min"] > bounds["max"]:
            wrong = f"is {bounds['min']:g}, and max is {bounds['max']:g}: nothing lies between"
            yield Finding(f"{path}.min", wrong, f"{path}.max")


RULES: tuple[Rule, ...] = (
    _name_is_a_directory_everywhere,
    _batch_fits_the_data,
    _warmup_is_shorter,
    _step_is_reached,
    _milestones_are_reached,
    _lr_falls,
    _nesterov_has_momentum,
    _augmentation_fits_the_picture,
    _square_fits_the_picture,
    _normalised_by_both,
    _weights_come_from_one_place,
    _caffe_had_bottlenecks,
    _freeze_leaves_something_to_learn,
    _expectations_can_be_met,
)
